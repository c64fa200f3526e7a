"""Videos and sets of images: received, checked, and made seekable."""
