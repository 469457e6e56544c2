"""Real rows with class labels: table of labels, series from public files, augmentation for training."""
