"""Parameters of the hand model from keypoints: inverse kinematics in closed form, and a Gauss–Newton fit to the image."""
