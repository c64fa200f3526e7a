"""Files: our own prediction, keypoints and viewer tracks, and the layouts of the data sets of others."""
