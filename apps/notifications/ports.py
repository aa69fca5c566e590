"""What notifications asks of the apps above it."""

from __future__ import annotations

from typing import Protocol


class AttachmentSource(Protocol):
    """Who keeps the files that go with a mail to somebody outside.

    The outbox holds names and keys only. When the mail leaves, every provider is asked for each
    key, in turn, until one has it.
    """

    def load(self, *, key: str) -> bytes | None:
        """The whole content of the file under `key`.

        None: it is not ours, is gone, or must not be sent any more; the mail goes without it and
        the row says so. Raise when it cannot be read right now: the mail is tried again later.
        """
        ...
