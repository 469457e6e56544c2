"""From a trained Keras file to a packaged model: convert, quantize, prove, describe."""
