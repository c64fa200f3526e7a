"""The reader of MANO's pickles: hostile files are refused by name, and nothing but its own error ever leaves it."""

from __future__ import annotations

import pickle
import struct
import subprocess

import numpy as np
import pytest

from ml.hand.mano_pickle import ManoFileError, read_mano_pickle


class Hostile:
    def __init__(self, function, *arguments):
        self.call = (function, arguments)

    def __reduce__(self):
        return self.call


HOSTILE = {
    "os.system": (__import__("os").system, "true"),
    "subprocess.Popen": (subprocess.Popen, ("true",)),
    "builtins.eval": (eval, "1"),
    "builtins.getattr": (getattr, "", "join"),
    "builtins.open": (open, "/dev/null"),
    "numpy.load": (np.load, "x"),
}


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_pickles_are_refused_by_name(name, protocol):
    last = name.split(".")[-1]
    with pytest.raises(ManoFileError, match=rf"it asks for [\w.]+\.{last}"):
        read_mano_pickle(pickle.dumps({"v_template": Hostile(*HOSTILE[name])}, protocol=protocol))


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize(
    "array", [np.arange(6.0).reshape(2, 3), np.arange(6, dtype=">u4"), np.asfortranarray(np.ones((3, 2))), np.zeros((0, 3))]
)
def test_arrays_are_read_unchanged(array, protocol):
    found = read_mano_pickle(pickle.dumps({"a": array, "text": "lbs"}, protocol=protocol))
    assert list(found) == ["a"]
    np.testing.assert_array_equal(found["a"], array)


def test_object_arrays_and_large_allocations_are_refused():
    with pytest.raises(ManoFileError, match="'O8' is refused; expected numbers"):
        read_mano_pickle(pickle.dumps({"f": np.array([object], dtype=object)}, protocol=2))
    with pytest.raises(ManoFileError, match="TypeError"):
        read_mano_pickle(pickle.dumps({"f": Hostile(np.ndarray, (1 << 40,))}, protocol=2))
    for kind in (bytes, bytearray):
        with pytest.raises(ManoFileError, match="bytes are made in a way"):
            read_mano_pickle(pickle.dumps({"f": Hostile(kind, 1 << 40)}, protocol=2))


def forged(dtype: str, state: tuple, shape=(1,), content=b"\x41" * 8) -> bytes:
    """An array whose dtype's state is made up, as a pickle that NumPy itself would read."""

    class Dtype:
        def __reduce__(self):
            return np.dtype, (dtype, False, True), state

    class Array:
        def __reduce__(self):
            reconstruct, arguments, _ = np.zeros(0).__reduce__()
            return reconstruct, arguments, (1, shape, Dtype(), False, content)

    return pickle.dumps({"f": Array()}, protocol=2)


@pytest.mark.parametrize(
    ("dtype", "state"),
    [
        ("S8", (3, "|", None, None, None, 8, 1, 0x3F)),  # bytes that say they hold objects: NumPy then follows them as pointers
        ("f8", (3, "<", None, None, None, -1, -1, 0x3F)),
        ("f8", (3, "<", None, ("a",), {"a": (1, 2)}, 8, 1, 0)),
        ("f8", (3, "<")),
        ("f8", ()),
        ("f8", ("x", "y", "z")),
        ("O8", (3, "|", None, None, None, -1, -1, 63)),
        ("V8", (3, "|", None, None, None, 8, 1, 0)),
    ],
)
def test_forged_types_are_refused(dtype, state):
    with pytest.raises(ManoFileError, match=r"refused|byte order"):
        read_mano_pickle(forged(dtype, state) if len(state) != 2 else forged(dtype, (3, "?")))


@pytest.mark.parametrize("shape", [(2,), (-1,), (1 << 62, 4), (1.0,), ("1",), 1, None, ((1,),)])
def test_forged_shapes_are_refused(shape):
    with pytest.raises(ManoFileError, match="an array"):
        read_mano_pickle(forged("f8", (3, "<", None, None, None, -1, -1, 0), shape))


def test_self_referencing_objects_and_nested_lists_are_refused():
    """By the opcodes themselves: what holds itself cannot be made of stand-ins."""
    chumpy = b"cchumpy.ch\nCh\n)\x81q\x01}q\x02U\x01xh\x01sb"
    with pytest.raises(ManoFileError, match="nested more than 8 deep"):
        read_mano_pickle(b"\x80\x02}q\x00U\x01f" + chumpy + b"s.")
    with pytest.raises(ManoFileError, match=r"`f` holds a list"):
        read_mano_pickle(b"\x80\x02}q\x00U\x01fcchumpy.ch\nCh\n)\x81}U\x01x](K\x01esbs.")


def test_a_memo_index_that_would_allocate_much_memory_is_refused():
    with pytest.raises(ManoFileError, match="numbers its parts up to 2147483647"):
        read_mano_pickle(b"\x80\x02}r" + struct.pack("<I", 0x7FFFFFFF) + b".")


def valid() -> bytes:
    chumpy = b"cchumpy.ch\nCh\n)\x81q\x63}q\x64U\x01x"
    array = pickle.dumps(np.arange(12.0).reshape(4, 3), protocol=2)[2:-1]
    integers = pickle.dumps(np.arange(3), protocol=2)[2:-1]
    select = b"cchumpy.reordering\nSelect\n)\x81}(U\x01a" + array + b"U\x04idxs" + integers + b"ub"
    return b"\x80\x02}(U\x01f" + chumpy + array + b"sbU\x01g" + select + b"U\x01h" + array + b"u."


def test_randomly_damaged_files_raise_only_its_own_error():
    """Bytes replaced, removed, doubled and swapped, by a fixed seed."""
    assert set(read_mano_pickle(valid())) == {"f", "g", "h"}
    rng = np.random.default_rng(0)
    refused = 0
    for _ in range(6000):
        content = bytearray(valid())
        for _ in range(rng.integers(1, 4)):
            at, width = int(rng.integers(len(content))), int(rng.integers(1, 9))
            match rng.integers(4):
                case 0:
                    content[at] = int(rng.integers(256))
                case 1:
                    del content[at : at + width]
                case 2:
                    content[at:at] = content[at : at + width]
                case _:
                    other = int(rng.integers(len(content)))
                    content[at : at + width], content[other : other + width] = (
                        content[other : other + width],
                        content[at : at + width],
                    )
            content = content or bytearray(b".")
        try:
            read_mano_pickle(bytes(content))
        except ManoFileError:
            refused += 1
    assert refused > 3000
