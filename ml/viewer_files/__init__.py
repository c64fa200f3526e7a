"""Files that the viewer reads: tracks of meshes, and hands as parameters."""
