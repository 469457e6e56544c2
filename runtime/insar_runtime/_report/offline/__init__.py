"""One page that classifies files in the browser: model, onnxruntime-web and the map of the report in one HTML file."""
