"""What asks the world outside of an asset's inputs: names of libraries, and of SQL functions."""

import re

# Clocks, chance, the environment, files, other programs. A name stands for all that is in it.
_NAMES = """
    time.time time.time_ns time.monotonic time.monotonic_ns time.perf_counter time.perf_counter_ns
    time.process_time time.localtime time.gmtime time.ctime time.asctime time.strftime
    datetime.datetime.now datetime.datetime.utcnow datetime.datetime.today datetime.date.today
    pandas.Timestamp.now pandas.Timestamp.utcnow pandas.Timestamp.today
    pendulum.now pendulum.today pendulum.yesterday pendulum.tomorrow arrow.now arrow.utcnow
    uuid.uuid1 uuid.uuid4 uuid.uuid6 uuid.uuid7 uuid.uuid8 secrets random numpy.random
    os.environ os.environb os.getenv os.getenvb os.urandom os.getpid os.getcwd os.getlogin
    toolkit.secret os.listdir os.scandir os.walk os.stat os.popen os.system os.open
    os.path.exists os.path.isfile os.path.isdir os.path.getmtime os.path.getsize
    pathlib.Path.cwd pathlib.Path.home glob.glob glob.iglob fileinput io.open codecs.open
    gzip.open bz2.open lzma.open tarfile.open shelve.open dbm.open mmap.mmap
    sys.argv sys.stdin platform getpass.getuser getpass.getpass
    subprocess asyncio.create_subprocess_exec asyncio.create_subprocess_shell socket
    importlib.import_module runpy
    numpy.load numpy.loadtxt numpy.genfromtxt numpy.fromfile joblib.load skops.io.load
    pyarrow.parquet.ParquetFile pyarrow.parquet.ParquetDataset pyarrow.dataset.dataset
    pyarrow.memory_map pyarrow.OSFile pyarrow.fs sqlalchemy.create_engine sqlite3.connect
    requests httpx aiohttp urllib3 urllib.request http.client ftplib smtplib imaplib poplib
    websocket websockets grpc paramiko pysftp boto3 botocore aioboto3 s3fs gcsfs adlfs fsspec
    google.cloud azure psycopg psycopg2 pymysql MySQLdb mysql.connector pyodbc oracledb
    snowflake.connector databricks.sql clickhouse_connect trino redis pymongo kafka
    confluent_kafka openai anthropic cohere huggingface_hub yfinance gspread playwright selenium
    """
NAMES = frozenset(_NAMES.split())

# pandas.read_csv, polars.scan_parquet: they differ in what comes after only.
PREFIXES = (
    "pandas.read_", "polars.read_", "polars.scan_", "pyarrow.csv.read_", "pyarrow.json.read_",
    "pyarrow.feather.read_", "pyarrow.orc.read_", "pyarrow.parquet.read_",
    "duckdb.read_", "duckdb.from_csv", "duckdb.from_parquet",
)  # fmt: skip

BUILTINS = frozenset({"open", "input", "eval", "exec", "__import__", "globals"})

# Methods of a path, whose class is not seen where they are called.
METHODS = frozenset({"open", "read_text", "read_bytes", "iterdir", "glob", "rglob"})

# Fine with a first argument that is not None: the seed, or the time.
_SEEDED = """
    random.Random random.seed numpy.random.seed numpy.random.default_rng
    numpy.random.RandomState numpy.random.SeedSequence numpy.random.PCG64
    numpy.random.PCG64DXSM numpy.random.MT19937 numpy.random.Philox numpy.random.SFC64
    time.gmtime time.localtime time.ctime time.asctime
    """
SEEDED = frozenset(_SEEDED.split())

# Once this was called with a seed, all that stands for itself in its module is fine.
SEEDS = {"random.seed": "random", "numpy.random.seed": "numpy.random"}

# Classes and the like; nothing is drawn by naming them.
HARMLESS = frozenset({"numpy.random.Generator", "random.getstate", "numpy.random.BitGenerator"})

# Fine with `random_state=`, which is not None.
RANDOM_STATE = frozenset(
    {
        "sklearn.model_selection.train_test_split",
        "sklearn.utils.shuffle",
        "sklearn.utils.resample",
    }
)

# Fine unless the text "now" or "today" is what they are given.
TIMES = frozenset({"pandas.Timestamp", "pandas.to_datetime", "numpy.datetime64"})

# Fine without a path, or with this one.
IN_MEMORY = {"duckdb.connect": ":memory:", "sqlite3.connect": ":memory:"}

SQL_METHODS = frozenset(
    {"sql", "query", "execute", "project", "select", "filter", "aggregate", "order", "from_query"}
)

SQL_VOLATILE = re.compile(
    r"\b(?P<call>now|random|uuid|uuidv4|uuidv7|gen_random_uuid|today|get_current_timestamp|"
    r"get_current_time|transaction_timestamp|nextval|getenv|glob|read_text|read_blob|read_csv|"
    r"read_csv_auto|read_parquet|parquet_scan|read_json|read_json_auto|read_ndjson)\s*\("
    r"|\b(?P<word>current_date|current_time|current_timestamp|localtime|localtimestamp)\b"
    r"|\b(?:from|join)\s+'(?P<file>[^']+)'",
    re.IGNORECASE,
)
