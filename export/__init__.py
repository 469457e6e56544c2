"""Export of a trained Keras file to a packaged model: conversion, quantization, comparison, description."""
