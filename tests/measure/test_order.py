from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from icdcoder.measure import order
from icdcoder.measure.order import above_and_equal, below_and_equal

FLOATS = st.sampled_from([np.float16, np.float32, np.float64])


def arrays(dtype: type) -> st.SearchStrategy[np.ndarray]:
    elements = hnp.from_dtype(np.dtype(dtype), allow_nan=False)
    return hnp.arrays(dtype, st.integers(1, 60), elements=elements)


@given(FLOATS.flatmap(arrays), st.data())
@example(np.array([0.0, -0.0, 0.0], dtype=np.float32), None)
@example(np.array([1.0, np.nextafter(1.0, 2.0), 1.0]), None)  # equal in single precision
def test_counts_are_exact_for_every_float(values: np.ndarray, data: st.DataObject | None) -> None:
    chosen = values if data is None else values[data.draw(st.lists(st.integers(0, len(values) - 1), min_size=1))]
    asked = np.sort(chosen)
    below, equal = below_and_equal(values, asked)
    assert below.tolist() == [int((values < v).sum()) for v in asked]
    assert equal.tolist() == [int((values == v).sum()) for v in asked]
    above, beside = above_and_equal(values, asked)
    assert above.tolist() == [int((values > v).sum()) for v in asked]
    assert beside.tolist() == equal.tolist()


@settings(deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([1, 3, 8]), st.booleans())
def test_any_chunk_and_bucket_width_gives_the_same(seed: int, bits: int, coarse: bool) -> None:
    rng = np.random.default_rng(seed)
    values = rng.standard_normal(500).astype(np.float32)
    values = np.round(values, 1) if coarse else values
    asked = np.sort(values[rng.integers(0, 500, 20)])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(order, "BUCKET_BITS", bits)
        patch.setattr(order, "CHUNK", 64)
        below, equal = below_and_equal(values.reshape(20, 25), asked)
    assert below.tolist() == [int((values < v).sum()) for v in asked]
    assert equal.tolist() == [int((values == v).sum()) for v in asked]
