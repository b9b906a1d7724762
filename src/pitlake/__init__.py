"""pitlake: a real-time lakehouse that runs declarative pipelines in Spark's real-time mode, into Delta, exactly once."""

__version__ = "0.1.0"
