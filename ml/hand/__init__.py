"""The hand itself: its skeleton, its model, the camera that sees it, its size."""
