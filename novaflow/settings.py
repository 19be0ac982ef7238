"""The only reader of the environment and of .env."""

from pathlib import Path

from pydantic_settings import BaseSettings


class Settings(BaseSettings):
    """What the user chose."""

    use_mysql: bool = True
    host_ip: str = "127.0.0.1"
    novaflow_jobs: int = 2
    novaflow_services: tuple[str, ...] = ()
    novaflow_workflows: Path = Path(__file__).parent.parent / "workflows"
