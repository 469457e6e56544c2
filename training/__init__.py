"""Training of the networks with TensorFlow: simulator, networks, fit, labelled rows (``python -m training``)."""
