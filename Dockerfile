# docker build -t attune . && docker run --rm attune          (every stage once, at a small size)
# docker run --rm -it -p 127.0.0.1:7860:7860 attune sh -c 'make quick && python app.py --root quick --host 0.0.0.0'
FROM python:3.11-slim

# gcc: a few packages of the lock come as source alone.
RUN apt-get update && apt-get install --yes --no-install-recommends gcc git libc6-dev make && rm -rf /var/lib/apt/lists/*

# torch's CPU build, of which the lock is; PyPI's own for Linux would bring CUDA's libraries.
ENV PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu
WORKDIR /attune
# The environment is a layer of its own, made again only when one of these changes.
COPY Makefile pyproject.toml requirements.lock README.md ./
COPY attune/__init__.py attune/
RUN make setup
COPY . .
RUN touch .venv/.installed
ENV PATH=/attune/.venv/bin:$PATH
CMD ["make", "quick"]
