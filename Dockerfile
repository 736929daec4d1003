# What the lines below do, and how to use a GPU: docs/platforms.md.
# docker build -t attune .
# docker run --name attune -v attune-cache:/attune/.dvc/cache attune
# docker cp attune:/attune/quick/plots/report.html .
ARG PYTHON=3.11
FROM python:${PYTHON}-slim

# gcc: a few packages of the lock come as source alone.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends gcc git libc6-dev make \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home attune \
    && install --directory --owner attune --group attune /attune /attune/.dvc /attune/.dvc/cache

# Where to look for torch besides PyPI; empty: PyPI's build, with CUDA's libraries.
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
WORKDIR /attune
USER attune
# The environment is a layer of its own, made again only when one of these changes.
COPY --chown=attune:attune Makefile pyproject.toml requirements.lock README.md ./
COPY --chown=attune:attune attune/__init__.py attune/
RUN make setup PYTHON=/usr/local/bin/python
COPY --chown=attune:attune . .
RUN touch .venv/.installed
ENV PATH=/attune/.venv/bin:$PATH
VOLUME /attune/.dvc/cache
CMD ["make", "quick"]
