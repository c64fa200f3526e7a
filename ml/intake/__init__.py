"""Files that people attach to a clip, a ground truth or predictions of their own methods, read into the canonical form."""
