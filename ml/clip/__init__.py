"""A clip: the pictures of a video file or of a folder, read one after the other, never all at once."""

from ml.clip.limits import ClipError, Limits
from ml.clip.source import Clip, open_clip

__all__ = ["Clip", "ClipError", "Limits", "open_clip"]
