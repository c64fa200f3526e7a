"""Where the 21 joints of each hand are in an image, and which detections are one hand over time."""
