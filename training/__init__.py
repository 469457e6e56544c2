"""TensorFlow side: simulator, networks, fit, evaluation."""
