"""Person tables of other kinds than registrations, about ten harsh copies of each: two to learn on, one to report on.

`patients` and `tenants` are learnt on, `members` is reported on. They differ in columns, country, spread of names and
in how errors come about, so that what was chosen on some says something when it is measured on another.
"""

from dedup.lab.simulate.persons.members import make_members
from dedup.lab.simulate.persons.patients import make_patients
from dedup.lab.simulate.persons.table import PersonTable
from dedup.lab.simulate.persons.tenants import make_tenants

__all__ = ["PersonTable", "make_members", "make_patients", "make_tenants"]
