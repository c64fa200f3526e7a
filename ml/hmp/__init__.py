"""HMP (Duran, Kocabas, Choutas, Fan & Black, WACV 2024): a prior of hand motion fitted to the keypoints of a video."""
