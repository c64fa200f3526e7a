"""Files: our own prediction, and the layouts of the data sets of others."""
