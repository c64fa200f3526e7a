"""What is kept of an uploaded video or set of images: a copy that browsers seek in exactly, thumbnails, timestamps, facts."""

from ml.web_copy.conversion import (
    FACTS,
    FILMSTRIP,
    POSTER,
    TIMESTAMPS,
    WEB_VIDEO,
    WebCopyFacts,
    make_web_copy,
    web_size,
)

__all__ = ["FACTS", "FILMSTRIP", "POSTER", "TIMESTAMPS", "WEB_VIDEO", "WebCopyFacts", "make_web_copy", "web_size"]
