"""Person tables of other kinds than registrations, about ten harsh copies of each: one to learn on, one to report on.

`patients` and `members` differ in columns, country, spread of names and in how errors come about, so that a model
chosen on one says something when it is measured on the other. Both give a `PersonTable`.
"""

from dedup.lab.simulate.persons.members import make_members
from dedup.lab.simulate.persons.patients import make_patients
from dedup.lab.simulate.persons.table import PersonTable
from dedup.lab.simulate.persons.tenants import make_tenants

__all__ = ["PersonTable", "make_members", "make_patients", "make_tenants"]
