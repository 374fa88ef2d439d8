"""What this machine can compute: fp32 matrix products on one thread."""

import statistics
import time

import torch

SIZE, REPEATS = 2048, 5


def gemm_rate() -> float:
    """FLOP/s of products of two 2048 × 2048 matrices, the median of five."""
    left, right = torch.randn(SIZE, SIZE), torch.randn(SIZE, SIZE)
    seconds = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        _ = left @ right
        seconds.append(time.perf_counter() - began)
    return 2 * SIZE**3 / statistics.median(seconds)
