"""Comments on uploads, pinned to a frame, and if wanted to a method and a joint."""
