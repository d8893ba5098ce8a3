"""Is an installation well: looks at its settings, keys, store, nights and inbox, and says what to mend.

Nothing here changes anything: the registry is opened for reading and never migrated, no folder is made. What is said
holds names of files and settings, counts, days and vendors' codes; never a secret, a registration or a provider.
"""

from dedup.doctor.examination import Examination, examine
from dedup.doctor.finding import Finding, Outcome

__all__ = ["Examination", "Finding", "Outcome", "examine"]
