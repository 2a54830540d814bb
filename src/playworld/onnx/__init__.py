"""Worlds as ONNX graphs: written from PyTorch, played by ONNX Runtime without it."""
