"""pandas (through s3fs), pyarrow's own S3 client and DuckDB, unchanged: tables in Parquet and CSV."""

import os
import sys
from urllib.parse import urlsplit

import duckdb
import pandas
import pyarrow.fs
import pyarrow.parquet
import s3fs

# No region: s3fs would name it as the location, which CreateBucket refuses for us-east-1, here and on AWS.
OPTIONS = {"key": "test", "secret": "test", "client_kwargs": {"endpoint_url": sys.argv[1]}}
ROWS = 200_000
TABLE = pandas.DataFrame({"id": range(ROWS), "part": [f"p{at % 3}" for at in range(ROWS)],
                          "value": [at / 7 for at in range(ROWS)]})


def by_pandas(bucket: str) -> None:
    whole = f"s3://{bucket}/table.parquet"
    TABLE.to_parquet(whole, storage_options=OPTIONS, row_group_size=10_000)
    pandas.testing.assert_frame_equal(pandas.read_parquet(whole, storage_options=OPTIONS), TABLE)
    some = pandas.read_parquet(whole, columns=["id"], filters=[("id", ">=", ROWS - 5)], storage_options=OPTIONS)
    assert list(some["id"]) == list(range(ROWS - 5, ROWS))
    TABLE.to_csv(f"s3://{bucket}/table.csv.gz", index=False, storage_options=OPTIONS)
    back = pandas.read_csv(f"s3://{bucket}/table.csv.gz", storage_options=OPTIONS)
    pandas.testing.assert_frame_equal(back, TABLE)
    parts = f"s3://{bucket}/parts"
    TABLE.to_parquet(parts, partition_cols=["part"], storage_options=OPTIONS)
    read = pandas.read_parquet(parts, filters=[("part", "==", "p1")], storage_options=OPTIONS)
    assert list(read["id"]) == list(TABLE[TABLE["part"] == "p1"]["id"])


def by_duckdb(bucket: str) -> None:
    database = duckdb.connect()
    database.register_filesystem(s3fs.S3FileSystem(**OPTIONS))

    def ask(text: str) -> tuple[object, ...]:
        rows = database.execute(text).fetchall()
        assert len(rows) == 1, rows
        return rows[0]

    assert ask(f"SELECT count(*), sum(id) FROM read_parquet('s3://{bucket}/table.parquet') WHERE part = 'p2'") == (
        sum(at % 3 == 2 for at in range(ROWS)), sum(range(2, ROWS, 3)))
    assert ask(f"SELECT count(*) FROM read_parquet('s3://{bucket}/parts/*/*.parquet', hive_partitioning=true) "
               "WHERE part = 'p0'") == (len(range(0, ROWS, 3)),)
    database.execute(f"COPY (SELECT range AS n FROM range(1000)) TO 's3://{bucket}/made.parquet' (FORMAT parquet)")
    assert ask(f"SELECT sum(n) FROM read_parquet('s3://{bucket}/made.parquet')") == (sum(range(1000)),)
    database.execute(f"COPY (SELECT range AS n FROM range(9)) TO 's3://{bucket}/made.csv' (FORMAT csv)")
    assert ask(f"SELECT max(n) FROM read_csv('s3://{bucket}/made.csv')") == (8,)


def by_pyarrow(bucket: str) -> None:
    place = urlsplit(sys.argv[1])
    fs = pyarrow.fs.S3FileSystem(access_key="test", secret_key="test", region="us-east-1", scheme=place.scheme,
                                 endpoint_override=place.netloc, allow_bucket_creation=True,
                                 allow_bucket_deletion=True)
    read = pyarrow.parquet.read_table(f"{bucket}/table.parquet", filesystem=fs)
    assert read.num_rows == ROWS
    mine = f"{bucket}-arrow"
    fs.create_dir(f"{mine}/d", recursive=True)
    pyarrow.parquet.write_table(read, f"{mine}/d/t.parquet", filesystem=fs)
    assert pyarrow.parquet.read_table(f"{mine}/d/t.parquet", filesystem=fs).equals(read)
    body = os.urandom(11 * 1024 * 1024)
    with fs.open_output_stream(f"{mine}/large", metadata={"Content-Type": "a/b"}) as stream:
        stream.write(body)
    with fs.open_input_file(f"{mine}/large") as file:
        assert (file.size(), file.read_at(9, 7 * 1024 * 1024)) == (len(body), body[7 * 1024 * 1024:][:9])
    kinds = pyarrow.fs.FileType
    told = {each.path: (each.type, each.size)
            for each in fs.get_file_info(pyarrow.fs.FileSelector(mine, recursive=True))}
    assert told[f"{mine}/d"][0] == kinds.Directory, told
    assert told[f"{mine}/large"] == (kinds.File, len(body)), told
    assert fs.get_file_info(f"{mine}/nothing").type == kinds.NotFound
    assert fs.get_file_info(mine).type == kinds.Directory
    fs.copy_file(f"{mine}/d/t.parquet", f"{mine}/copy")
    fs.move(f"{mine}/copy", f"{mine}/moved")
    fs.delete_file(f"{mine}/moved")
    fs.delete_dir(f"{mine}/d")
    fs.delete_dir_contents(mine)
    fs.delete_dir(mine)
    assert fs.get_file_info(mine).type == kinds.NotFound


NAME = f"tables-{os.urandom(6).hex()}"
s3fs.S3FileSystem(**OPTIONS).mkdir(NAME)
by_pandas(NAME)
by_duckdb(NAME)
by_pyarrow(NAME)
print("ok")
