"""Videos and sets of pictures: received, checked, and made seekable."""
