from __future__ import annotations

import bz2
import gzip
import io
import os
import pickle
import re

import numpy as np
import pytest

from oco.losses import LOSSES, DataFile, readers, streams

RNG = np.random.default_rng(0)
X = np.round(RNG.normal(size=(2500, 4)) * (RNG.random((2500, 4)) < 0.6), 3)
Y = np.where(np.arange(2500) % 3, 2.0, -0.5)
SIGNS = np.sign(Y)


def svmlight(features: np.ndarray, labels: np.ndarray) -> bytes:
    lines = (
        " ".join([f"{y:g}", *(f"{i + 1}:{v:g}" for i, v in enumerate(a) if v)])
        for a, y in zip(features, labels, strict=True)
    )
    return ("\n".join(lines) + "\n").encode()


def npz(**arrays) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=True)
    return buffer.getvalue()


def together(stream, stop=None) -> tuple[np.ndarray, np.ndarray]:
    chunks = list(stream.chunks(stop))
    return np.concatenate([a for a, _ in chunks]), np.concatenate([y for _, y in chunks])


FORMATS = {
    "rows.svm": svmlight(X, Y),
    "rows": b"# a comment\n\n" + svmlight(X, Y).replace(b"\n", b" # 3:x\n", 1),
    "rows.gz": gzip.compress(svmlight(X, Y), mtime=0),
    "rows.bz2": bz2.compress(svmlight(X, Y)),
    "rows.npz": npz(X=X, y=Y),
    "rows.npy": npy(np.c_[X, Y]),
    "fortran.npy": npy(np.asfortranarray(np.c_[X, Y])),
    "REAL.NPY": npy(np.c_[X, Y]),
}


@pytest.fixture
def write(tmp_path):
    def write(name: str, content: bytes):
        path = tmp_path / name
        path.write_bytes(content)
        return path

    return write


@pytest.mark.parametrize("name", FORMATS)
class TestFormats:
    def test_rows_in_order(self, name, write):
        stream = DataFile(path=write(name, FORMATS[name]))
        features, labels = together(stream)
        np.testing.assert_array_equal(features, X)
        np.testing.assert_array_equal(labels, SIGNS)
        assert (stream.d, stream.T, stream.label_bound, stream.adaptive) == (4, 2500, 1.0, False)
        assert stream.feature_norm == pytest.approx(np.linalg.norm(X, axis=1).max(), rel=1e-15)

    def test_real_labels_and_bias(self, name, write):
        path = str(write(name, FORMATS[name]))
        stream = DataFile(path=path, loss=LOSSES["squared"], bias=True, d=5, features=4)
        features, labels = together(stream)
        np.testing.assert_array_equal(features, np.c_[X, np.ones(2500)])
        np.testing.assert_array_equal(labels, Y)
        assert stream.label_bound == 2.0
        assert stream.feature_norm == pytest.approx(
            np.linalg.norm(features, axis=1).max(), rel=1e-15
        )

    def test_the_first_rows_only(self, name, write):
        stream = DataFile(path=write(name, FORMATS[name]), T=5, loss=LOSSES["absolute"])
        np.testing.assert_array_equal(together(stream)[0], X[:5])
        assert stream.feature_norm == pytest.approx(np.linalg.norm(X[:5], axis=1).max(), rel=1e-15)

    def test_replay(self, name, write, monkeypatch):
        path = write(name, FORMATS[name])
        expected = together(DataFile(path=path))
        monkeypatch.setattr(streams, "MEMORY", 0)
        monkeypatch.setattr(streams, "CHUNK", 300)
        stream = DataFile(path=path)
        for _ in range(2):
            for stop in (1, 299, 300, 301, 2500):
                for whole, part in zip(expected, together(stream, stop), strict=True):
                    np.testing.assert_array_equal(part, whole[:stop])

    def test_too_few_rows(self, name, write):
        self.refused(write(name, FORMATS[name]), "holds 2500 rows, fewer than T = 2501", T=2501)

    def test_another_dimension(self, name, write):
        path = write(name, FORMATS[name])
        self.refused(path, "holds 4 features, expected d = 5", d=5)
        self.refused(path, "holds 5 features with the bias, expected d = 4", d=4, bias=True)
        self.refused(path, "holds 4 features, expected features = 3", features=3)

    @staticmethod
    def refused(path, problem, **arguments):
        with pytest.raises(ValueError, match=re.escape(f"data: {path}: {problem}")):
            DataFile(path=path, **arguments)


def test_features_widens_svmlight_only(write):
    stream = DataFile(path=write("a", FORMATS["rows"]), features=6, bias=True)
    np.testing.assert_array_equal(together(stream)[0][:, 4:], [[0.0, 0.0, 1.0]] * 2500)
    for name in ("rows.npz", "rows.npy"):
        with pytest.raises(ValueError, match="holds 4 features, expected features = 6"):
            DataFile(path=write(name, FORMATS[name]), features=6)


def test_indices_count_from_one_whatever_occurs(write):
    stream = DataFile(path=write("a", b"1 2:5\n-1 3:6\n"))
    np.testing.assert_array_equal(together(stream)[0], [[0, 5, 0], [0, 0, 6]])


class TestBinaryLabels:
    @pytest.mark.parametrize(
        ("given", "classes", "note"),
        [
            ([-1, 1, 1], [-1, 1], ""),
            ([0, 1, 1], [0, 1], "the label 1 is +1, the label 0 is −1"),
            ([1, 2, 2], [1, 2], "the label 2 is +1, the label 1 is −1"),
            ([-7, -3.5, -3.5], [-7, -3.5], "the label -3.5 is +1, the label -7 is −1"),
        ],
    )
    @pytest.mark.parametrize("loss", ["logistic", "hinge", "linear"])
    def test_the_larger_of_two_values_is_positive(self, given, classes, note, loss, write):
        lines = "".join(f"{y} 1:1\n" for y in given).encode()
        stream = DataFile(path=write("a", lines), loss=LOSSES[loss])
        np.testing.assert_array_equal(together(stream)[1], [-1, 1, 1])
        np.testing.assert_array_equal(stream.classes, classes)
        assert stream.notes == ((note,) if note else ())
        assert stream.outputs is None and stream.d == 1

    def test_rows_that_are_not_used_count(self, write):
        stream = DataFile(path=write("a", b"5 1:1\n5 1:1\n6 1:1\n"), T=2)
        np.testing.assert_array_equal(together(stream)[1], [-1, -1])

    def test_three_values_are_refused_and_the_ways_out_named(self, write):
        path = write("a", b"0 1:1\n1 1:1\n2 1:1\n")
        with pytest.raises(ValueError, match=re.escape(f"data: {path}: the labels take 3 values")):
            DataFile(path=path)
        for words in (r"\(0, 1, 2\)", "positive", "softmax", "squared", "logistic takes two"):
            with pytest.raises(ValueError, match=words):
                DataFile(path=path)
        np.testing.assert_array_equal(
            together(DataFile(path=path, loss=LOSSES["squared"]))[1], [0, 1, 2]
        )

    @pytest.mark.parametrize("positive", [1, 1.0, "1", "1.0"])
    def test_one_against_the_rest(self, positive, write):
        stream = DataFile(path=write("a", b"0 1:1\n1 1:1\n2 1:1\n"), positive=positive)
        np.testing.assert_array_equal(together(stream)[1], [-1, 1, -1])
        assert stream.classes is None and "all others (0, 2) are −1" in stream.notes[0]

    def test_the_smaller_of_two_may_be_positive(self, write):
        stream = DataFile(path=write("a", b"1 1:1\n2 1:1\n"), positive=1)
        np.testing.assert_array_equal(together(stream)[1], [1, -1])

    def test_a_single_value_must_be_named(self, write):
        path = write("a", b"0 1:1\n0 1:2\n")
        with pytest.raises(ValueError, match="every label is 0, a single class"):
            DataFile(path=path)
        stream = DataFile(path=path, positive=0)
        np.testing.assert_array_equal(together(stream)[1], [1, 1])
        assert stream.notes == ("the label 0 is +1, and there is no other",)

    def test_a_positive_label_that_never_occurs_is_refused(self, write):
        with pytest.raises(ValueError, match=r"positive: no label is 3; they are 1, 2"):
            DataFile(path=write("a", b"1 1:1\n2 1:1\n"), positive=3)

    @pytest.mark.parametrize("loss", ["squared", "softmax"])
    def test_a_loss_without_a_positive_class_refuses_one(self, loss, write):
        with pytest.raises(ValueError, match=f"positive: the loss {loss} has no positive class"):
            DataFile(path=write("a", b"1 1:1\n2 1:1\n"), positive=1, loss=LOSSES[loss])


@pytest.mark.parametrize("dtype", ["float32", "int16", "uint8", "bool"])
def test_arrays_of_other_types(dtype, write):
    small = np.abs(X[:8]).astype(dtype)
    for name, content in (
        ("a.npz", npz(X=small, y=SIGNS[:8].astype(int))),
        ("a.npy", npy(np.c_[small, (SIGNS[:8] > 0)].astype(dtype))),
    ):
        stream = DataFile(path=write(name, content))
        features, labels = together(stream)
        assert features.dtype == np.float64
        np.testing.assert_array_equal(features, small.astype(float))
        np.testing.assert_array_equal(labels, SIGNS[:8])
        exact = np.linalg.norm(small.astype(float), axis=1).max()
        assert stream.feature_norm == pytest.approx(exact, rel=1e-15)


@pytest.mark.parametrize("scale", [1e149, 1e-150, 1e-200, 1e-310, 1e-322])
def test_huge_and_tiny_features_have_a_norm(scale, write):
    a, b = 3 * scale, 4 * scale
    for name, content in (
        ("a.npz", npz(X=np.array([[a, b], [0, 0]]), y=np.array([1, -1]))),
        ("a.npy", npy(np.array([[a, b, 1], [0, 0, -1]]))),
        ("a", f"1 1:{a!r} 2:{b!r}\n-1\n".encode()),
    ):
        stream = DataFile(path=write(name, content))
        # Subnormal numbers are multiples of 5e-324.
        assert stream.feature_norm == pytest.approx(5 * scale, rel=1e-12, abs=5e-323)
        np.testing.assert_array_equal(together(stream)[0], [[a, b], [0, 0]])


@pytest.mark.parametrize("value", [1e151, -1e155, 1e200, 1.797e308])
def test_a_feature_whose_square_would_overflow_is_named(value, write):
    for name, content in (
        ("a.npz", npz(X=np.array([[1, 1], [0, value]]), y=np.array([1, -1]))),
        ("a.npy", npy(np.array([[1, 1, 1], [0, value, -1]]))),
        ("a", f"1 1:1\n-1 2:{value!r}\n".encode()),
    ):
        path = write(name, content)
        problem = f"data: {path}: row 2: feature 2 is {value}, beyond ±1e+150"
        with pytest.raises(ValueError, match=re.escape(problem)):
            DataFile(path=path)
        assert DataFile(path=path, T=1, positive=1).T == 1


def test_a_real_label_whose_square_would_overflow_is_named(write):
    path = write("a", b"1 1:1\n-1e200 1:1\n")
    with pytest.raises(ValueError, match=r"row 2: the label is -1e\+200, beyond ±1e\+150"):
        DataFile(path=path, loss=LOSSES["squared"])


def test_an_npy_file_stays_on_disk(write):
    stream = DataFile(path=write("a.npy", FORMATS["rows.npy"]))
    assert isinstance(stream._features, np.memmap)


class TestRefused:
    @pytest.mark.parametrize(
        ("line", "problem"),
        [
            (b"x 1:1", "the label 'x' is not a number"),
            (b"1,2 1:1", "the label '1,2' is not a number"),
            (b"1 1:1 2", "expected index:value, got '2'"),
            (b"1 1:", "expected index:value, got '1:'"),
            (b"1 :1", "expected index:value, got ':1'"),
            (b"1 1:2:3", "expected index:value, got '1:2:3'"),
            (b"1 1.5:2", "expected index:value, got '1.5:2'"),
            (b"1 0:1", "feature indices run from 1 to 16777216, got '0:1'"),
            (b"1 -3:1", "feature indices run from 1 to 16777216, got '-3:1'"),
            (b"1 9223372036854775808:1", "feature indices run from 1 to 16777216"),
            (b"1 99999999:1", "feature indices run from 1 to 16777216"),
            (b"1 2:1 1:1", "feature indices must increase, got 1 after 2"),
            (b"1 2:1 2:1", "feature indices must increase, got 2 after 2"),
            (b"\x89PNG\r\xff\x00", "the label '\\\\x89PNG' is not a number"),
            (b"a" * 5000 + b" 1:1", "the label '" + "a" * 40 + "…' is not a number"),
        ],
    )
    def test_malformed_lines(self, line, problem, write):
        content = b"1 1:1 2:2\n# comment\n-1 qid:4 1:2\n" + line + b"\n1 3:4\n"
        path = write("a", content)
        with pytest.raises(ValueError, match=re.escape(f"data: {path}: line 4: {problem}")):
            DataFile(path=path)
        zipped = write("a.gz", gzip.compress(content))
        with pytest.raises(ValueError, match=re.escape(f"data: {zipped}: line 4: {problem}")):
            DataFile(path=zipped)

    def test_the_first_of_several_faults_is_named(self, write):
        with pytest.raises(ValueError, match=r": line 2: expected index:value, got 'oops'"):
            DataFile(path=write("a", b"1 1:1\n1 oops\nx 1:1\n"))

    @pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
    @pytest.mark.parametrize("kind", ["svm", "npz", "npy"])
    def test_not_finite(self, bad, kind, write):
        def written(features, labels):
            contents = {
                "svm": lambda: svmlight(features, labels),
                "npz": lambda: npz(X=features, y=labels),
                "npy": lambda: npy(np.c_[features, labels]),
            }
            return write(f"a.{kind}", contents[kind]())

        features, labels = X.copy(), Y.copy()
        features[1100, 2] = bad
        path = written(features, Y)
        with pytest.raises(
            ValueError, match=re.escape(f"data: {path}: row 1101: feature 3 is {bad}")
        ):
            DataFile(path=path)
        assert DataFile(path=path, T=1100).T == 1100
        labels[1200] = bad
        path = written(X, labels)
        with pytest.raises(
            ValueError, match=re.escape(f"data: {path}: row 1201: the label is {bad}")
        ):
            DataFile(path=path)

    @pytest.mark.parametrize(
        ("name", "content", "problem"),
        [
            ("a", b"", "the file is empty"),
            ("a.npy", b"", "the file is empty"),
            ("a", b"# nothing\n\n", "holds 0 rows"),
            ("a.gz", gzip.compress(FORMATS["rows"], mtime=0)[:200], "ended before"),
            ("a.npz", FORMATS["rows.npz"][:-200], "cannot be read as an .npz file"),
            ("a.npz", FORMATS["rows.npz"][:40], "cannot be read as an .npz file"),
            ("a.npz", FORMATS["rows.npy"], "it holds a single array"),
            ("a.npz", FORMATS["rows"], "cannot be read as an .npz file"),
            ("a.npz", npz(X=X), "holds no labels"),
            ("a.npz", npz(x=X, y=Y), "X is not a file in the archive"),
            ("a.npz", npz(X=X, y=Y[:7]), "X has 2500 rows, y has 7"),
            ("a.npz", npz(X=X[0], y=Y), "X must be 2-dimensional and of real numbers"),
            ("a.npz", npz(X=X, y=Y[:, None]), "y must be 1-dimensional"),
            ("a.npz", npz(X=X + 1j, y=Y), "got shape (2500, 4) of complex128"),
            ("a.npz", npz(X=X.astype(str), y=Y), "X must be 2-dimensional and of real numbers"),
            ("a.npz", npz(X=X[:0], y=Y[:0]), "holds 0 rows of 4 features"),
            ("a.npy", FORMATS["rows.npy"][:-1], "cannot be read as an .npy file"),
            ("a.npy", FORMATS["rows.npy"][:20], "cannot be read as an .npy file"),
            ("a.npy", FORMATS["rows.npz"], "cannot be read as an .npy file"),
            ("a.npy", npy(Y), "the array must be 2-dimensional"),
            ("a.npy", npy(np.zeros((2, 2, 2))), "the array must be 2-dimensional"),
            ("a.npy", npy(Y[:, None]), "holds 2500 rows of 0 features"),
            ("a.npy", npy(np.zeros((5, 0))), "the array has no columns"),
        ],
    )
    def test_damaged_or_of_another_kind(self, name, content, problem, write):
        path = write(name, content)
        with pytest.raises(ValueError, match=re.escape(f"data: {path}: ")) as caught:
            DataFile(path=path)
        assert problem in str(caught.value)

    @pytest.mark.parametrize("name", ["a.npy", "a.npz", "a"])
    def test_nothing_is_unpickled(self, name, write, tmp_path):
        trace = tmp_path / "unpickled"

        class Bomb:
            def __reduce__(self):
                return os.mkdir, (str(trace),)

        bombs = np.array([[Bomb(), 1.0]], dtype=object)
        bare = pickle.dumps(Bomb())
        for content in (npy(bombs), npz(X=bombs, y=np.array([1.0])), bare):
            path = write(name, content)
            with pytest.raises(ValueError, match=re.escape(f"data: {path}: ")):
                DataFile(path=path)
        assert not trace.exists()

    def test_missing(self, tmp_path):
        for path in (tmp_path / "none", tmp_path / ("long" * 100), tmp_path / "nul\0byte"):
            with pytest.raises(FileNotFoundError, match=r"^data: .*: no such file"):
                DataFile(path=path)

    def test_directory(self, tmp_path):
        with pytest.raises(ValueError, match=re.escape(f"data: {tmp_path}: is not a file")):
            DataFile(path=tmp_path)

    @pytest.mark.parametrize("path", [None, 3, b"rows"])
    def test_not_a_path(self, path):
        with pytest.raises(TypeError, match=r"^data: expected the path of a file"):
            DataFile(path=path)

    @pytest.mark.parametrize("label", [2.0, 0.0])
    def test_a_single_class(self, label, write):
        path = write("a.npz", npz(X=X, y=np.full(2500, label)))
        with pytest.raises(ValueError, match=re.escape(f"data: {path}: every label is {label:g}")):
            DataFile(path=path)
        assert DataFile(path=path, loss=LOSSES["squared"]).label_bound == label

    @pytest.mark.parametrize("features", [0, -1, 2.5, readers.LARGEST_INDEX + 1, 2**63])
    def test_bad_number_of_features(self, features, write):
        with pytest.raises((TypeError, ValueError), match=r"^features: expected an integer"):
            DataFile(path=write("a", FORMATS["rows"]), features=features)

    @pytest.mark.parametrize("T", [0, -1, 2.5])
    def test_bad_T(self, T, write):
        with pytest.raises((TypeError, ValueError), match=r"^T: expected an integer >= 1"):
            DataFile(path=write("a", FORMATS["rows"]), T=T)


class TestA9a:
    def test_its_size(self, a9a):
        stream = DataFile(path=a9a, features=123, bias=True)
        assert (stream.d, stream.T) == (124, 32560)
        # Every row has at most 14 features, all of them 1, and the bias.
        assert stream.feature_norm**2 == pytest.approx(15)

    def test_its_classes(self, a9a):
        _, labels = together(DataFile(path=a9a))
        assert (np.sum(labels == 1), np.sum(labels == -1)) == (7841, 24719)

    def test_its_first_row(self, a9a):
        features, labels = next(DataFile(path=a9a).chunks())
        present = [3, 11, 14, 19, 39, 42, 55, 64, 67, 73, 75, 76, 80, 83]
        np.testing.assert_array_equal(np.flatnonzero(features[0]) + 1, present)
        assert labels[0] == -1


class TestClasses:
    labels = np.resize([7.0, -2.0, 3.0], 2500)

    def made(self, write, **options):
        path = write("classes.npz", npz(X=X, y=options.pop("y", self.labels)))
        return DataFile(path=path, loss=LOSSES["softmax"], **options)

    def test_integers_of_any_value_are_numbered_in_ascending_order(self, write):
        stream = self.made(write, bias=True)
        features, labels = together(stream)
        assert features.shape == (2500, 5) and stream.label_bound == 2
        np.testing.assert_array_equal(stream.classes, [-2.0, 3.0, 7.0])
        np.testing.assert_array_equal(stream.classes[labels.astype(int)], self.labels)
        assert (stream.d, stream.shape, stream.outputs) == (15, (3, 5), 3)
        assert stream.gradient_rank == 1

    def test_the_sizes_may_be_named(self, write):
        assert self.made(write, d=12, shape=(3, 4)).shape == (3, 4)
        for wrong, problem in (
            ({"d": 4}, "expected d = 4"),
            ({"shape": (4, 3)}, "expected the shape 4x3"),
            ({"shape": (3, 5)}, "expected the shape 3x5"),
        ):
            with pytest.raises(ValueError, match=f"holds 4 features and 3 classes, {problem}"):
                self.made(write, **wrong)

    def test_a_fraction_is_no_class(self, write):
        y = self.labels.copy()
        y[17] = 0.5
        with pytest.raises(ValueError, match=r"row 18: expected an integer as class, got 0\.5"):
            self.made(write, y=y)

    def test_a_single_class_is_refused(self, write):
        with pytest.raises(ValueError, match=r"every label is 4, a single class"):
            self.made(write, y=np.full(2500, 4.0))


def test_features_may_be_laid_out_as_a_matrix(write):
    path = write("rows.npz", FORMATS["rows.npz"])
    assert DataFile(path=path, shape=(2, 2)).shape == (2, 2)
    with pytest.raises(ValueError, match=r"holds 5 features with the bias, expected the shape 2x2"):
        DataFile(path=path, shape=(2, 2), bias=True)
