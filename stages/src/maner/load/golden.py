"""Makes the tiny models below `golden/` and what PyTorch computes with them.

Needs torch, transformers, tokenizers and safetensors: python golden.py
"""

import json
import pathlib

import torch
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import (
    BertConfig,
    BertForMaskedLM,
    RobertaConfig,
    RobertaForMaskedLM,
    XLMRobertaConfig,
    XLMRobertaForMaskedLM,
)

HERE = pathlib.Path(__file__).parent / "golden"
TEXT = [
    "Ìyá Adé lọ sí Ìbàdàn ní ọjọ́ Ajé .",
    "Musa ya tafi Kano tare da Aisha , abokiyarsa .",
    "The Curie sisters' house stood near Warsaw .",
    "በአዲስ አበባ የተወለደው አበበ ቢቂላ",
]
SENTENCES = [
    ["Musa", "ya", "tafi", "Kano", "."],
    ["Curie's", "Ìbàdàn", "unheard-of", "አበበ", "ọjọ́"],
]


def bert():
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.WordPieceTrainer(vocab_size=110, special_tokens=special)
    tokenizer.train_from_iterator(TEXT, trainer)
    config = BertConfig(
        type_vocab_size=2, max_position_embeddings=40, layer_norm_eps=1e-12, pad_token_id=0, hidden_act="gelu_new"
    )
    return tokenizer, special, config, BertForMaskedLM


def roberta():
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
    # As shipped: the first word of a sentence has no blank before it.
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=300, special_tokens=special, initial_alphabet=alphabet)
    tokenizer.train_from_iterator(TEXT, trainer)
    # Saved tokenizers may cut and pad.
    tokenizer.enable_truncation(4)
    tokenizer.enable_padding(length=12, pad_id=1, pad_token="<pad>")
    config = RobertaConfig(type_vocab_size=1, max_position_embeddings=42, layer_norm_eps=1e-5, pad_token_id=1)
    return tokenizer, special, config, RobertaForMaskedLM


def xlm_roberta():
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    trainer = trainers.UnigramTrainer(vocab_size=120, special_tokens=special, unk_token="<unk>")
    tokenizer.train_from_iterator(TEXT, trainer)
    config = XLMRobertaConfig(type_vocab_size=1, max_position_embeddings=42, layer_norm_eps=1e-5, pad_token_id=1)
    return tokenizer, special, config, XLMRobertaForMaskedLM


def make(name, tokenizer, special, config, model_class):
    folder = HERE / name
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    start, end = (special[2], special[3]) if name == "bert" else (special[0], special[2])
    ids = tokenizer.token_to_id
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{start} $A {end}", special_tokens=[(start, ids(start)), (end, ids(end))]
    )
    tokenizer.save(str(folder / "tokenizer.json"), pretty=False)
    config.vocab_size = tokenizer.get_vocab_size()
    config.hidden_size, config.num_hidden_layers = 16, 2
    config.num_attention_heads, config.intermediate_size = 4, 24
    torch.manual_seed(1)
    model = model_class(config).eval()
    with torch.no_grad():
        for tensor in model.parameters():
            tensor.add_(0.25 * torch.randn_like(tensor))
    shards = {"max_shard_size": "12KB"} if name == "xlm-roberta" else {}
    model.save_pretrained(folder, **shards)
    for other in ["generation_config.json"]:
        (folder / other).unlink(missing_ok=True)

    tokenizer.no_truncation()
    tokenizer.no_padding()
    if name == "roberta":
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    mask = ids(special[4])
    cases = []
    for words in SENTENCES:
        encoding = tokenizer.encode(words, is_pretokenized=True, add_special_tokens=False)
        units = [[] for _ in words]
        for token, word in zip(encoding.ids, encoding.word_ids):
            units[word].append(token)
        sequence, sites = [ids(start)], []
        for unit in units:
            sites.append(len(sequence))
            sequence += [mask] + unit
        sequence.append(ids(end))
        with torch.no_grad():
            out = model(torch.tensor([sequence]), output_hidden_states=True)
        hidden = out.hidden_states[-1][0, sites].flatten().tolist()
        logits = out.logits[0, sites[0], :8].tolist()
        rounded = lambda numbers: [round(x, 6) for x in numbers]
        cases.append(
            {"words": words, "units": units, "sequence": sequence, "hidden": rounded(hidden), "logits": rounded(logits)}
        )
    (folder / "expected.json").write_text(json.dumps(cases, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    for name, made in [("bert", bert()), ("roberta", roberta()), ("xlm-roberta", xlm_roberta())]:
        make(name, *made)
