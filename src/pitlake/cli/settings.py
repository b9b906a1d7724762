"""The settings that move a pipeline from a laptop to a cluster, read from options, `PITLAKE_*` variables, then defaults."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from pitlake.engine.options import LOCAL_MASTER, Mode


class Settings(BaseSettings):
    """`lake`, `kafka` and `master` each replace a part of the laptop by something shared; `home` keeps all state."""

    model_config = SettingsConfigDict(
        env_prefix="PITLAKE_", env_ignore_empty=True, frozen=True, extra="forbid", populate_by_name=True
    )

    home: Path = Field(default=Path(".pitlake"), description="Folder that holds broker log, checkpoints and lake")
    lake: str | None = Field(default=None, description="Folder or object-store URL of the Delta tables; default HOME/lake")
    kafka: str | None = Field(default=None, description="Bootstrap servers of an existing Kafka; default the broker under HOME")
    wait: bool = Field(default=False, description="Wait for a run on HOME where there is none yet")
    master: str = Field(default=LOCAL_MASTER, description="Spark master")
    mode: Mode = Field(default="realtime", description="How flows run: realtime, or micro-batch, on the same checkpoints")
    catalog: str = Field(default="field_engineering", description="Catalog of names without one")
    # Pydantic's models have a `schema` of their own; an alias stands for the whole variable, prefix included.
    schema_: str = Field(default="mining_demo", validation_alias="PITLAKE_SCHEMA", description="Schema of names without one")

    @property
    def lake_url(self) -> str:
        """Where the Delta tables are."""
        return self.lake or str(self.home.resolve() / "lake")


class EndpointSettings(BaseSettings):
    """Where the endpoint listens, and to whom; the variables begin with `PITLAKE_INGEST_`."""

    model_config = SettingsConfigDict(env_prefix="PITLAKE_INGEST_", env_ignore_empty=True, frozen=True, extra="forbid")

    host: str = Field(default="127.0.0.1", description="Address to listen on")
    port: int | None = Field(default=None, description="Port of the gRPC streams; default a free one, kept from start to start")
    http_port: int | None = Field(default=None, description="Port of REST, tokens and health; default a free one, kept")
    certificate: Path | None = Field(default=None, description="PEM file of the TLS certificate")
    certificate_key: Path | None = Field(default=None, description="PEM file of the certificate's key")
    tokens: bool = Field(default=True, description="Whether clients need tokens")
    exposed: bool = Field(default=False, description="Listen beyond this machine without TLS or tokens all the same")
