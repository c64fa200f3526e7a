"""The systems that find hands in a clip, one file each, behind the interface of `base`."""
