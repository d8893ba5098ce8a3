"""Named places where a trial may kill this process, to show that a rerun ends in the same state.

A trial sets the environment variable `DEDUP_FAILPOINT` to one of `FAILPOINTS`; the process then dies by SIGKILL when
it reaches that place, with no chance to clean up. Without the variable a failpoint does nothing.
"""

from __future__ import annotations

import os
import signal

VARIABLE = "DEDUP_FAILPOINT"

# In the order in which one bundle passes them, from the inbox folder until its entries lie among those of all others.
FAILPOINTS = (
    "intake.claimed",  # the bundle was copied to a temporary file of the store
    "intake.moved",  # it has its final name in the store, but the registry does not know it
    "intake.committed",  # the registry has accepted it, no receipt was written
    "intake.receipted",  # the receipt is there, the bundle still lies in the inbox
    "objects.written",  # an object's temporary file is complete, its name is not yet given
    "objects.renamed",  # an object has its name, the registry does not know it
    "ingest.stored",  # all objects of the snapshot are stored, the registry does not know them
    "ingest.committed",  # the registry knows them, the raw bundle and what was superseded are still there
    "ingest.cleaned",  # what was superseded has no attributes any more, and its entries are noted as due to go
    "pool.stored",  # the entries of all snapshots lie together in new objects, the registry names the old ones
    "pool.committed",  # the registry names the new objects, the old ones are still there
    "pool.cleaned",  # all done
)

# Those that only an upload, or a file that is refused, passes; `intake.moved` and `intake.committed` it passes as well.
UPLOAD_FAILPOINTS = (
    "upload.created",  # the registry knows the upload, nobody was answered
    "upload.written",  # a chunk is in the part file, perhaps not on disk
    "upload.synced",  # it is on disk, the registry does not count it
    "upload.appended",  # the registry counts it, nobody was answered
    "upload.verified",  # the whole file is a bundle that may come in
    "upload.linked",  # it has a second, temporary name among the bundles
    "upload.settled",  # it is accepted or refused, its part file is still there
    "upload.aborted",  # its vendor took it back, its part file is still there
    "upload.expired",  # it expired, its part file is still there
    "intake.refused",  # a file is refused, the copy of it is still there
)

# That which a change of keys passes.
KEY_FAILPOINTS = ("keys.noted",)  # the audit log has the change, no file of the key folder does


def reach(name: str) -> None:
    """Die here by SIGKILL when the environment names this failpoint."""
    if os.environ.get(VARIABLE) == name:
        os.kill(os.getpid(), signal.SIGKILL)
