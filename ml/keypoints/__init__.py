"""Where the 21 joints of each hand are in a picture, and which detections are one hand over time."""
