"""What the server accepts at most. Generous for planners, small for the machine."""

from __future__ import annotations

from typing import Final

#: Bytes of a request's body; the largest bundled plan has 60 kB.
BODY: Final = 1 * 2**20
#: Bytes of a message on the live channel: one line, not a plan.
MESSAGE: Final = 128 * 2**10
#: Live channels open at the same time.
CHANNELS: Final = 64
#: Jobs waiting or running.
JOBS: Final = 32
#: Cities of a region that is served: dragging works on a matrix of all pairs.
CITIES: Final = 5_000
#: Seconds that a job may run.
JOB_SECONDS: Final = 600.0
#: Seconds that a cancelled job gets to stop by itself.
GRACE_SECONDS: Final = 5.0
#: Results of evaluations kept.
RESULTS: Final = 64
#: Bytes of matrices kept for dragging.
PREPARED_BYTES: Final = 512 * 2**20
#: Plans kept in memory, and on disk for links.
PLANS: Final = 512
PLANS_ON_DISK: Final = 5_000
