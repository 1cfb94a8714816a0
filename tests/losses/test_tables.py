"""Columns with names: the labels' is found, what is no number is named, nothing is guessed."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from scipy import sparse

from oco.losses import LOSSES, DataFile, readers
from oco.losses.readers import read

pandas = pytest.importorskip("pandas", reason="writes the tables")
pytest.importorskip("pyarrow", reason="reads the tables")

X = np.array([[1.0, -2.5], [0.0, 1e-3], [3.0, 4.0], [7.0, 0.5]])
Y = np.array([1.0, 0.0, 1.0, 0.0])
FRAME = pandas.DataFrame({"a": X[:, 0], "target": Y.astype(int), "b": X[:, 1]})


def check(path, label, **options) -> None:
    features, labels = read(path, label=label, **options)
    np.testing.assert_array_equal(features, X)
    np.testing.assert_array_equal(labels, Y)
    assert features.dtype == labels.dtype == np.float64


@pytest.fixture
def path(tmp_path):
    return tmp_path / "rows.csv"


class TestText:
    @pytest.mark.parametrize("delimiter", [",", ";", "\t"])
    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
    @pytest.mark.parametrize("suffix", [".csv", ".CSV", ".tsv", ".txt", ".csv.xz", ".csv.gz"])
    def test_the_label_s_column_is_found(self, delimiter, encoding, suffix, tmp_path):
        path = tmp_path / f"rows{suffix}"
        FRAME.to_csv(path, sep=delimiter, encoding=encoding, index=False, compression="infer")
        for label in ("target", "2", "-2"):
            check(path, label)

    def test_blank_lines_quotes_and_windows_line_ends(self, path):
        path.write_bytes(
            b'\xef\xbb\xbf\r\n\r\n"a" , "target","b"\r\n'
            b'1,1,-2.5\r\n\r\n0,0,1e-3\r\n"3",1,4\r\n7,0,.5\r\n\r\n'
        )
        path.write_bytes(path.read_bytes().replace(b'"a" , ', b'"a",').replace(b'"3"', b"3"))
        path.write_bytes(path.read_bytes().replace(b', "target"', b',"target"'))
        check(path, "target")

    @pytest.mark.parametrize("label", ["2", "-2"])
    def test_without_names_columns_are_numbered(self, path, label):
        FRAME.to_csv(path, index=False, header=False)
        check(path, label)

    def test_a_name_that_is_a_number_is_a_name(self, path):
        FRAME.rename(columns={"a": "0", "b": "1", "target": "2"}).to_csv(path, index=False)
        features, labels = read(path, label="1")
        np.testing.assert_array_equal(features, np.c_[X[:, 0], Y])
        np.testing.assert_array_equal(labels, X[:, 1])

    @pytest.mark.parametrize(
        ("text", "label", "problem"),
        [
            ("a,b\n1,2\n", "c", "label: there is no column 'c'; the columns are a, b"),
            ("a,b\n1,2\n", "3", "label: there is no column '3'; the columns are a, b"),
            ("a,b\n1,2\n", None, "holds no labels: give their column with label"),
            ("a,b,a\n1,2,3\n", "a", "two columns are called 'a'"),
            ("y,b,y\n1,2,3\n", "y", "two columns are called 'y'"),
            ("1,2\n3,4\n", "5", "columns have no names: expected a number from 1 to 2"),
            ("1,2\n3,4\n", "y", "columns have no names: expected a number from 1 to 2"),
            ("a,y\n1,0\nx,1\n", "y", "row 2: column 'a' is 'x', expected a number"),
            ("a,y\n1,0\n1_0,1\n", "y", "row 2: column 'a' is '1_0'"),
            ("a,y\n1,0\n,1\n", "y", "row 2: column 'a' is missing, or not a number"),
            ("a,y\n1,0\nnan,1\n", "y", "row 2: column 'a' is missing, or not a number"),
            ("a,y\n1,0\n2,\n", "y", "row 2: the label in column 'y' is missing"),
            ("a,y\n1,0\n2020-01-01,1\n", "y", "row 2: column 'a' is"),
            ("a,y\n1,0\n2\n", "y", "Expected 2 columns, got 1"),
            ("a,y\n1,0\n2,1,3\n", "y", "Expected 2 columns, got 3"),
            ("y\n1\n0\n", "y", "has no columns that could be named"),
            ("a,y\n", "y", "holds 0 rows"),
            ("\n\n", "y", "holds 0 rows"),
            ("", "y", "the file is empty"),
        ],
    )
    def test_what_is_wrong_is_named(self, path, text, label, problem):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(ValueError) as caught:
            DataFile(path=path, label=label)
        assert str(caught.value).startswith(f"data: {path}: ") and problem in str(caught.value)

    def test_a_text_of_another_encoding(self, path):
        path.write_bytes("größe,y\n1,0\n".encode("latin-1"))
        with pytest.raises(ValueError, match="line 1: is not UTF-8 text"):
            read(path, label="y")

    def test_texts_are_labels_and_one_may_be_positive(self, path):
        FRAME.assign(target=["yes", "no", "yes", "no"]).to_csv(path, index=False)
        stream = DataFile(path=path, label="target")
        np.testing.assert_array_equal(next(stream.chunks())[1], [1, -1, 1, -1])
        assert stream.notes == ("the label 'yes' is +1, the label 'no' is −1",)
        stream = DataFile(path=path, label="target", positive="no")
        np.testing.assert_array_equal(next(stream.chunks())[1], [-1, 1, -1, 1])
        stream = DataFile(path=path, label="target", loss=LOSSES["softmax"])
        assert stream.classes.tolist() == ["no", "yes"] and stream.outputs == 2
        with pytest.raises(ValueError, match="the label is 'yes', and the loss squared takes"):
            DataFile(path=path, label="target", loss=LOSSES["squared"])

    def test_true_and_false_are_numbers(self, path):
        FRAME.assign(target=Y > 0).to_csv(path, index=False)
        check(path, "target")

    def test_pyarrow_is_named_where_it_is_missing(self, path, monkeypatch):
        FRAME.to_csv(path, index=False)
        monkeypatch.setitem(sys.modules, "pyarrow.csv", None)
        with pytest.raises(ImportError, match=r"pip install '\.\[tables\]'"):
            read(path, label="target")


class TestParquet:
    def test_the_label_s_column_is_found(self, tmp_path):
        path = tmp_path / "rows.parquet"
        FRAME.to_parquet(path)
        check(path, "target")
        path.rename(tmp_path / "rows")
        check(tmp_path / "rows", "target")

    def test_numbers_of_any_type(self, tmp_path):
        path = tmp_path / "rows.parquet"
        kinds = {"a": "float32", "target": "bool", "b": "float64"}
        FRAME.astype(kinds).to_parquet(path)
        check(path, "target")
        FRAME.assign(target=pandas.Categorical(["p", "n", "p", "n"])).to_parquet(path)
        assert read(path, label="target")[1].tolist() == ["p", "n", "p", "n"]

    @pytest.mark.parametrize(
        ("column", "problem"),
        [
            (["x", "y", "z", "w"], "row 1: column 'a' is 'x', expected a number"),
            ([1.0, None, 2.0, 3.0], "row 2: column 'a' is missing"),
            ([[1], [2], [3], [4]], "row 1: column 'a' is"),
            (pandas.to_datetime(["2020-01-01"] * 4).as_unit("ns"), "row 1: column 'a' is"),
            (pandas.to_datetime(["2020-01-01"] * 4).as_unit("s"), "row 1: column 'a' is"),
        ],
        ids=["text", "missing", "lists", "dates in nanoseconds", "dates"],
    )
    def test_what_is_no_number_is_named(self, column, problem, tmp_path):
        path = tmp_path / "rows.parquet"
        FRAME.assign(a=column).to_parquet(path)
        with pytest.raises(ValueError) as caught:
            read(path, label="target")
        assert problem in str(caught.value)

    def test_it_is_read_a_group_of_rows_at_a_time(self, tmp_path):
        path = tmp_path / "rows.parquet"
        frame = FRAME.assign(target=["no", "no", "no", "certainly"])
        frame.to_parquet(path, row_group_size=3)
        features, labels = read(path, label="target")
        np.testing.assert_array_equal(features, X)
        assert labels.tolist() == frame["target"].tolist()
        frame.assign(b=[1.0, 2.0, 3.0, None]).to_parquet(path, row_group_size=3)
        with pytest.raises(ValueError, match="row 4: column 'b' is missing"):
            read(path, label="target")
        FRAME[:0].to_parquet(path)
        with pytest.raises(ValueError, match="holds 0 rows"):
            read(path, label="target")

    def test_a_cut_file(self, tmp_path):
        path = tmp_path / "rows.parquet"
        FRAME.to_parquet(path)
        for content in (path.read_bytes()[:-20], b"PAR1", b"PAR1" + bytes(100) + b"PAR1"):
            path.write_bytes(content)
            with pytest.raises(ValueError, match=r"^data: .*rows\.parquet: "):
                read(path, label="target")

    def test_one_larger_than_the_memory_is_not_unpacked(self, tmp_path, monkeypatch):
        path = tmp_path / "rows.parquet"
        FRAME.to_parquet(path)
        monkeypatch.setattr(readers, "physical_memory", lambda: 80)
        with pytest.raises(ValueError, match="more than the memory of this machine"):
            read(path, label="target")


class TestSparse:
    @pytest.mark.parametrize("kind", ["csr", "csc", "coo", "bsr", "dia"])
    @pytest.mark.parametrize("name", ["rows.npz", "rows"])
    def test_every_format_with_its_labels_apart(self, kind, name, tmp_path):
        sparse.save_npz(tmp_path / "rows.npz", getattr(sparse, f"{kind}_array")(X))
        (tmp_path / "rows.npz").rename(tmp_path / name)
        np.save(tmp_path / "y.npy", Y.astype(int))
        np.savez(tmp_path / "y.npz", y=Y)
        (tmp_path / "y.txt").write_text("\ufeff1\n0 # no\n\n1.0\n0\n", encoding="utf-8")
        for labels in ("y.npy", "y.npz", "y.txt"):
            table, found = read(tmp_path / name, labels=tmp_path / labels)
            assert sparse.issparse(table)
            np.testing.assert_array_equal(table.toarray(), X)
            np.testing.assert_array_equal(found, Y)

    @pytest.mark.parametrize(
        ("label", "order"), [("1", [2, 0, 1]), ("2", [0, 2, 1]), ("-1", [0, 1, 2])]
    )
    def test_labels_in_a_column(self, label, order, tmp_path):
        whole = np.c_[X, Y][:, order]
        sparse.save_npz(tmp_path / "rows.npz", sparse.csr_array(whole))
        np.save(tmp_path / "rows.npy", whole)
        for name in ("rows.npz", "rows.npy"):
            table, found = read(tmp_path / name, label=label)
            dense = table.toarray() if sparse.issparse(table) else table
            np.testing.assert_array_equal(dense, X)
            np.testing.assert_array_equal(found, Y)

    def test_entries_given_twice_are_added(self, tmp_path):
        twice = sparse.coo_array(([1.0, 2.0, 1.0], ([0, 0, 1], [1, 1, 0])), shape=(2, 2))
        sparse.save_npz(tmp_path / "rows.npz", twice)
        np.save(tmp_path / "y.npy", [0, 1])
        stream = DataFile(path=tmp_path / "rows.npz", labels=tmp_path / "y.npy")
        np.testing.assert_array_equal(next(stream.chunks())[0], [[0, 3], [1, 0]])
        assert stream.feature_norm == 3

    @pytest.mark.parametrize("kind", ["csr", "csc", "bsr"])
    @pytest.mark.parametrize(
        "damage", [{"indices": 99}, {"indices": -1}, {"indptr": 10**9}, {"shape": 2**40}]
    )
    def test_indices_out_of_range_are_refused(self, kind, damage, tmp_path):
        sparse.save_npz(tmp_path / "rows.npz", getattr(sparse, f"{kind}_array")(X))
        with np.load(tmp_path / "rows.npz") as archive:
            members = {name: archive[name].copy() for name in archive.files}
        ((name, value),) = damage.items()
        members[name] = members[name].astype(np.int64)
        members[name][-1] = value
        np.savez(tmp_path / "rows.npz", **members)
        with pytest.raises(ValueError, match=r"^data: .*rows\.npz: "):
            read(tmp_path / "rows.npz", labels=__file__)

    def test_labels_are_asked_for(self, tmp_path):
        sparse.save_npz(tmp_path / "rows.npz", sparse.csr_array(X))
        with pytest.raises(ValueError, match="give their column with label, or their file with"):
            read(tmp_path / "rows.npz")


class TestLabelFiles:
    @pytest.mark.parametrize(
        ("content", "problem"),
        [
            ("1\n0\n", "X has 4 rows, y has 2"),
            ("1 0\n0 1\n1 0\n0 1\n", "line 1: expected one label, got 2 numbers"),
            ("1,0\n", "line 1: expected one label, got 2 numbers"),
            ("", "the file is empty"),
        ],
    )
    def test_what_is_wrong_is_named(self, content, problem, tmp_path):
        np.save(tmp_path / "X.npy", X)
        (tmp_path / "y").write_text(content)
        with pytest.raises(ValueError) as caught:
            read(tmp_path / "X.npy", labels=tmp_path / "y")
        assert problem in str(caught.value)

    def test_two_sources_of_labels_are_refused(self, tmp_path):
        (tmp_path / "rows").write_text("1 1:1\n0 1:2\n")
        np.savez(tmp_path / "rows.npz", X=X, y=Y)
        np.save(tmp_path / "y.npy", Y)
        np.save(tmp_path / "X.npy", X)
        for name in ("rows", "rows.npz"):
            with pytest.raises(ValueError, match="it holds labels itself"):
                read(tmp_path / name, labels=tmp_path / "y.npy")
            with pytest.raises(ValueError, match=r"a label stands in every row|label stands first"):
                read(tmp_path / name, label="1")
        with pytest.raises(ValueError, match="label: expected none beside labels"):
            read(tmp_path / "rows.npz", label="1", labels=tmp_path / "y.npy")
        with pytest.raises(FileNotFoundError, match=r"labels: .*: no such file"):
            read(tmp_path / "X.npy", labels=tmp_path / "none")
