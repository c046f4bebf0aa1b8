"""Where a resource stands, and when its next version can be."""

from datetime import datetime, timedelta

from fhir_mpi.storage.port import Head, Stored


def head_of(current: Stored | None) -> Head | None:
    return Head(current.version, current.last_updated, current.deleted) if current else None


def after(now: datetime, head: Head | None) -> datetime:
    """Now, or just after the current version where the clock went back: time never does, per record."""
    if head is None or now > head.last_updated:
        return now
    return head.last_updated + timedelta(milliseconds=1)
