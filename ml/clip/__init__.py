"""A clip: the images of a video file or of a folder, read one after the other, never all at once."""

from ml.clip.media_limits import ClipError, Limits
from ml.clip.source import Clip, open_clip

__all__ = ["Clip", "ClipError", "Limits", "open_clip"]
