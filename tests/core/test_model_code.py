"""No call that loads a model lets it bring code."""

import ast
import json
from pathlib import Path

import pytest

from attune.base_models.checking import check_folder
from attune.core.errors import AttuneError
from attune.core.model_code import refuse_code
from attune.generators.loading import load_base, load_tokenizer
from tests.generators import tiny
from tests.project import ROOT

CODE = ("attune", "stages", "studies", "tools", "benchmarks", "app.py")
# Classes whose from_pretrained is the project's own, or PEFT's, which knows no code of an adapter's.
OTHERS = ("Ranker", "Retriever", "Generator", "PeftModel")


HARMLESS = """
{"auto_map": null, "trust_remote_code": false, "attn_implementation": "sdpa", "tokenizer_class": "BertTokenizer",
 "activation_function": "torch.nn.modules.activation.Tanh", "types": {"a": "sentence_transformers.models.Pooling"}}
"""


def calls() -> list[tuple[str, ast.Call]]:
    """Every call that loads a model, a configuration or a tokenizer, with its place."""
    files = [path for name in CODE for path in ((ROOT / name).rglob("*.py") if name.isidentifier() else [ROOT / name])]
    found = []
    for path in files:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                name = ast.unparse(node.func)
                owner, _, method = name.rpartition(".")
                loads = method in ("from_pretrained", "from_config") and owner.split(".")[-1] not in OTHERS
                if loads or method in ("SentenceTransformer", "pipeline"):
                    found.append((f"{path.relative_to(ROOT)}:{node.lineno}: {name}", node))
    return found


def test_every_call_that_loads_a_model_refuses_its_code() -> None:
    asking = [
        place
        for place, call in calls()
        if not any(
            word.arg == "trust_remote_code" and isinstance(word.value, ast.Constant) and word.value.value is False
            for word in call.keywords
        )
    ]
    assert asking == []
    assert len(calls()) > 8


@pytest.mark.parametrize(
    ("name", "content", "key"),
    [
        ("config.json", '{"auto_map": {"AutoModel": "own.Own"}}', "auto_map"),
        ("processor_config.json", '{"parts": [{"auto_map": {"AutoProcessor": "own.Own"}}]}', "auto_map"),
        ("0_Transformer/sentence_bert_config.json", '{"model_args": {"trust_remote_code": true}}', "trust_remote_code"),
        ("modules.json", '[{"type": "own.Own", "path": ""}]', "type"),
        ("config.json", '{"attn_implementation": "somebody/kernel"}', "attn_implementation"),
        ("1_Router/router_config.json", '{"types": {"query_0_Own": "own.Own"}}', "types"),
        ("2_Dense/config.json", '{"activation_function": "os.abort"}', "activation_function"),
        ("0_Words/wordembedding_config.json", '{"tokenizer_class": "own.Words"}', "tokenizer_class"),
    ],
)
@pytest.mark.fault("code of a model's own in {}", "refused with file and key, never run")
def test_a_file_that_names_code_is_refused(name: str, content: str, key: str, tmp_path: Path) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text(content)
    with pytest.raises(AttuneError, match=f"{Path(name).name}: {key} names code of the model's own"):
        refuse_code(tmp_path)
    (tmp_path / name).write_text(HARMLESS)
    refuse_code(tmp_path)


PHI = {"auto_map": {"AutoModelForCausalLM": "modeling_phi3.Phi3ForCausalLM"}, "model_type": "phi3"}
WORDS = {"auto_map": {"AutoTokenizer": ["own.Own", None]}, "tokenizer_class": "GPT2Tokenizer"}


@pytest.mark.parametrize(
    ("name", "content", "unknown"),
    [
        ("config.json", PHI, {"model_type": "own"}),
        ("config.json", PHI, {"auto_map": {"AutoModelForCausalLM": "modeling_phi3.OwnForCausalLM"}}),
        ("config.json", PHI, {"model_type": ["phi3"]}),
        ("config.json", PHI, {"auto_map": {}, "text_config": PHI}),
        ("tokenizer_config.json", WORDS, {"tokenizer_class": "OwnTokenizer"}),
        ("processor_config.json", {}, PHI),
    ],
)
def test_code_for_what_transformers_has_itself_is_passed_by(
    name: str, content: dict[str, object], unknown: dict[str, object], tmp_path: Path
) -> None:
    (tmp_path / name).write_text(json.dumps(content))
    refuse_code(tmp_path, writes=True)
    (tmp_path / name).write_text(json.dumps(content | unknown))
    with pytest.raises(AttuneError, match=f"{name}: auto_map names code of the model's own"):
        refuse_code(tmp_path, writes=True)


def test_an_encoder_of_a_known_kind_by_name_alone_is_refused(tmp_path: Path) -> None:
    own = {"auto_map": {"AutoModel": "other/modeling_bert.JinaBertModel"}, "model_type": "bert"}
    (tmp_path / "config.json").write_text(json.dumps(own))
    for writes in (False, True):
        with pytest.raises(AttuneError, match=r"config\.json: auto_map names code"):
            refuse_code(tmp_path, writes)
    (tmp_path / "config.json").write_text(json.dumps(PHI))
    with pytest.raises(AttuneError, match=r"config\.json: auto_map names code"):
        refuse_code(tmp_path)


def test_the_library_s_own_code_is_what_runs_for_such_a_model(tmp_path: Path) -> None:
    folder = tiny.saved(tiny.llama(), tmp_path / "m")
    own_model = {"AutoModelForCausalLM": "modeling_phi3.LlamaForCausalLM"}
    for name, own in (("config.json", own_model), ("tokenizer_config.json", WORDS["auto_map"])):
        content = json.loads((folder / name).read_text())
        (folder / name).write_text(json.dumps(content | {"auto_map": own}))
    (folder / "modeling_phi3.py").write_text("raise SystemExit('this must never run')")
    (folder / "own.py").write_text("raise SystemExit('this must never run')")
    check_folder(folder, "base")
    assert type(load_base(folder)).__module__.startswith("transformers.models.llama.")
    assert len(load_tokenizer(folder)) == len(tiny.tokenizer())
