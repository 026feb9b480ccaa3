"""Find similar images with Vision Transformers.

The package follows the data: `images` → `background` → `encoder` → `similarity` → `gallery` →
`parts` → `evaluation` → `plots`. Importing it is light: torch, transformers and rembg load on first
use.
"""

import os

# Libraries that report their use unless they are told not to before they load.
for _name in ("ORT_DISABLE_TELEMETRY", "HF_HUB_DISABLE_TELEMETRY"):
    os.environ.setdefault(_name, "1")

__version__ = "0.1.0"


class VitsimError(Exception):
    """A mistake that the user can mend: what is wrong, why, and what to do about it."""

    def __init__(self, subject: object, reason: str, remedy: str) -> None:
        super().__init__(f"{subject}: {reason}. {remedy}")
        self.subject, self.reason, self.remedy = str(subject), reason, remedy

    def __reduce__(self):  # so that a worker process can hand it back
        return type(self), (self.subject, self.reason, self.remedy)
