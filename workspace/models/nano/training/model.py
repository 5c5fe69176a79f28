"""The judge: a Qwen2.5-VL of few layers with two reward heads, in plain PyTorch, its tensors named as in the checkpoint.

All pairs of a batch are scored in one pass. The prompt is

    system | source picture | edited picture | instruction ... <|Reward|>

and attention looks back only, so what pairs share at the front is worked out once: the system text once a batch, a source once, an edited
picture once for all instructions that it is judged by. The result is that of one run a pair and a prompt.
"""

import json
import math
from pathlib import Path

import torch
import torch.nn as nn
import torch.nn.functional as F
from safetensors.torch import load_file
from tokenizers import Tokenizer

HEADS = ("instruction_following", "visual_quality")
HEAD_TEXT = "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n<|im_start|>user\n<|vision_start|>"


def norm(x, weight):
    return F.rms_norm(x, (x.shape[-1],), weight, 1e-6)


def rotate(x, cos, sin):
    """Turns the two halves of each head's channels against each other, by position."""
    a, b = x.chunk(2, -1)
    c, s = cos.chunk(2, -1)[0], sin.chunk(2, -1)[0]
    return torch.cat((a * c - b * s, b * c + a * s), -1)


def frequencies(size, theta):
    return theta ** (-torch.arange(0, size, 2).float() / size)


class Scale(nn.Module):
    """The weight of an RMS norm."""

    def __init__(self, size):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(size))


class Mlp(nn.Module):
    def __init__(self, size, inner, bias):
        super().__init__()
        self.gate_proj = nn.Linear(size, inner, bias=bias)
        self.up_proj = nn.Linear(size, inner, bias=bias)
        self.down_proj = nn.Linear(inner, size, bias=bias)

    def forward(self, x):
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))


class VisionAttention(nn.Module):
    def __init__(self, size, heads):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(size, 3 * size)
        self.proj = nn.Linear(size, size)

    def forward(self, x, cos, sin, mask):
        count, length, size = x.shape
        q, k, v = self.qkv(x).view(count, length, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        seen = F.scaled_dot_product_attention(rotate(q, cos, sin), rotate(k, cos, sin), v, attn_mask=mask)
        return self.proj(seen.transpose(1, 2).reshape(count, length, size))


class VisionBlock(nn.Module):
    def __init__(self, config):
        super().__init__()
        size = config["hidden_size"]
        self.norm1, self.norm2 = Scale(size), Scale(size)
        self.attn = VisionAttention(size, config["num_heads"])
        self.mlp = Mlp(size, config["intermediate_size"], bias=True)

    def forward(self, x, cos, sin, mask):
        x = x + self.attn(norm(x, self.norm1.weight), cos, sin, mask)
        return x + self.mlp(norm(x, self.norm2.weight))


class Merger(nn.Module):
    """Four neighbouring patches become one token."""

    def __init__(self, size, out):
        super().__init__()
        self.ln_q = Scale(size)
        self.mlp = nn.Sequential(nn.Linear(4 * size, 4 * size), nn.GELU(), nn.Linear(4 * size, out))

    def forward(self, x):
        count, length, size = x.shape
        return self.mlp(norm(x, self.ln_q.weight).view(count, length // 4, 4 * size))


class Vision(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.config = config
        patch, size = config["patch_size"], config["hidden_size"]
        self.patch_embed = nn.Module()
        shape = (patch, patch)
        self.patch_embed.proj = nn.Conv3d(3, size, (config["temporal_patch_size"], *shape), bias=False)
        self.blocks = nn.ModuleList(VisionBlock(config) for _ in range(config["depth"]))
        self.merger = Merger(size, config["out_hidden_size"])
        self.geometry = {}

    def places(self, rows, columns):
        """Rotary cosines and sines of a grid of merged patches, in its token order, and the mask of its windows (None: one window)."""
        key = (rows, columns)
        if key not in self.geometry:
            y, x = torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")
            down = (y[..., None] * 2 + torch.tensor([0, 0, 1, 1])).reshape(-1)
            across = (x[..., None] * 2 + torch.tensor([0, 1, 0, 1])).reshape(-1)
            inverse = frequencies(self.config["hidden_size"] // self.config["num_heads"] // 2, 10000.0)
            angles = torch.cat((down[:, None] * inverse, across[:, None] * inverse), -1).repeat(1, 2)
            reach = self.config["window_size"] // (2 * self.config["patch_size"])
            window = ((y // reach) * 1000 + x // reach)[..., None].expand(-1, -1, 4).reshape(-1)
            mask = window[:, None] == window[None]
            self.geometry[key] = angles.cos(), angles.sin(), mask
        return self.geometry[key]

    def patches(self, pixels, height, width):
        """Normalised pixels [count, height, width, 3] as patches [count, patches, 588], four neighbours in a row."""
        side = self.config["patch_size"]
        rows, columns = height // (2 * side), width // (2 * side)
        x = pixels.view(-1, rows, 2, side, columns, 2, side, 3).permute(0, 1, 4, 2, 5, 7, 3, 6)
        return x.reshape(len(pixels), rows * columns * 4, 3 * side * side)

    def forward(self, pixels, height, width, turned):
        """Tokens [count, patches / 4, hidden] of pictures [count, height * width * 3]; those that are `turned` are width x height."""
        side = 2 * self.config["patch_size"]
        x = self.patches(pixels.view(-1, height, width, 3), height, width)
        cos, sin, mask = self.places(height // side, width // side)
        if bool(turned.any()):
            tall = self.patches(pixels[turned].view(-1, width, height, 3), width, height)
            x = x.index_put((turned.nonzero()[:, 0],), tall)
            pick = turned[:, None, None]
            cos, sin, mask = (
                torch.where(pick, b, a)[:, None]
                for a, b in zip((cos, sin, mask), self.places(width // side, height // side))
            )
        # Both temporal slices see the same picture.
        x = F.linear(x, self.patch_embed.proj.weight.sum(2).flatten(1))
        for number, block in enumerate(self.blocks):
            x = block(x, cos, sin, None if number in self.config["fullatt_block_indexes"] else mask)
        return self.merger(x)


class Attention(nn.Module):
    def __init__(self, config):
        super().__init__()
        size, self.heads, self.groups = (
            config["hidden_size"], config["num_attention_heads"], config["num_key_value_heads"]
        )
        self.width = size // self.heads
        self.q_proj = nn.Linear(size, size)
        self.k_proj = nn.Linear(size, self.groups * self.width)
        self.v_proj = nn.Linear(size, self.groups * self.width)
        self.o_proj = nn.Linear(size, size, bias=False)

    def queries(self, x, cos, sin):
        return rotate(self.q_proj(x).view(*x.shape[:-1], self.heads, -1).transpose(1, 2), cos, sin)

    def keys(self, x, cos, sin):
        split = (*x.shape[:-1], self.groups, self.width)
        return rotate(self.k_proj(x).view(split).transpose(1, 2), cos, sin), self.v_proj(x).view(split).transpose(1, 2)

    def look(self, q, k, v, mask):
        """What queries [count, heads, length, width] see of keys and values that look back further."""
        times = self.heads // self.groups
        k, v = k.repeat_interleave(times, 1), v.repeat_interleave(times, 1)
        seen = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        return self.o_proj(seen.transpose(1, 2).flatten(2))


class Layer(nn.Module):
    def __init__(self, config):
        super().__init__()
        size = config["hidden_size"]
        self.input_layernorm, self.post_attention_layernorm = Scale(size), Scale(size)
        self.self_attn = Attention(config)
        self.mlp = Mlp(size, config["intermediate_size"], bias=False)

    def finish(self, x, seen):
        x = x + seen
        return x + self.mlp(norm(x, self.post_attention_layernorm.weight))


class Language(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.embed_tokens = nn.Embedding(config["vocab_size"], config["hidden_size"])
        self.layers = nn.ModuleList(Layer(config) for _ in range(config["num_hidden_layers"]))
        self.norm = Scale(config["hidden_size"])
        self.inverse = frequencies(config["hidden_size"] // config["num_attention_heads"], config["rope_theta"])

    def places(self, start, length):
        angles = (torch.arange(start, start + length).float()[:, None] * self.inverse).repeat(1, 2)
        return angles.cos(), angles.sin()


class Text:
    """The words around the pictures, as tokens."""

    def __init__(self, folder):
        folder = Path(folder)
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        tail = (folder / "prompts/tail.txt").read_text()
        self.prompts = [(folder / f"prompts/{head}.txt").read_text() + tail for head in HEADS]
        self.head = self.tokenizer.encode(HEAD_TEXT).ids
        self.end, self.start, self.reward = (
            self.tokenizer.token_to_id(token) for token in ("<|vision_end|>", "<|vision_start|>", "<|Reward|>")
        )
        self.known = {}

    def tokens(self, instruction, head):
        """Those after the edited picture, up to <|Reward|>."""
        key = (instruction, head)
        if key not in self.known:
            ids = self.tokenizer.encode(self.prompts[head].replace("{text_prompt}", instruction)).ids
            self.known[key] = ids[: len(ids) - ids[::-1].index(self.reward)]
        return self.known[key]


class Judge(nn.Module):
    def __init__(self, folder):
        """The network that a model directory describes, with new weights."""
        super().__init__()
        folder = Path(folder)
        config = json.loads((folder / "config.json").read_text())
        picture = json.loads((folder / "preprocessor_config.json").read_text())
        size, (wide, narrow) = config["text_config"]["hidden_size"], config["reward"]["head_hidden"]
        self.text = Text(folder)
        self.budget = picture["max_pixels"]
        self.mean, self.std = (255 * torch.tensor(picture[name]) for name in ("image_mean", "image_std"))
        self.model = nn.Module()
        self.model.visual = Vision(config["vision_config"])
        self.model.language_model = Language(config["text_config"])
        self.rm_heads = nn.ModuleDict({
            f"head_{number}": nn.Sequential(
                nn.Linear(size, wide), nn.ReLU(), nn.Dropout(0.05), nn.Linear(wide, narrow), nn.ReLU(),
                nn.Linear(narrow, config["reward"]["output_dim"]),
            )
            for number in range(len(HEADS))
        })

    def read(self, folder):
        self.load_state_dict({name: value.float() for name, value in load_file(Path(folder) / "model.safetensors").items()})
        return self

    @torch.no_grad()
    def begin(self, seed):
        """Random weights, each branch's last matrix small; the heads begin near the usual gold values."""
        draw = torch.Generator().manual_seed(seed)
        for name, weight in self.named_parameters():
            if weight.ndim >= 2:
                small = 0.4 if name.endswith(("down_proj.weight", "o_proj.weight", "attn.proj.weight")) else 1.0
                deviation = 0.4 if "embed_tokens" in name else small * weight[0].numel() ** -0.5
                weight.copy_(torch.randn(weight.shape, generator=draw) * deviation)
            elif name.endswith("bias"):
                weight.zero_()
        for head, usual in zip(self.rm_heads.values(), (0.0, 1.2)):
            head[0].weight.mul_(1.2)
            head[3].weight.mul_(1.4)
            head[3].bias.fill_(0.2)
            head[5].weight.mul_(0.5)
            head[5].bias.copy_(torch.tensor([usual, 0.0]))
        return self

    def forward(self, batch):
        """(mean, log sigma) of each head [2, pairs, 2], and the hidden states that training probes."""
        pixels = batch.pixels.view(len(batch.pixels), -1, 3).float()
        pixels = ((pixels - self.mean) / self.std).flatten(1)
        pictures = self.model.visual(pixels, batch.height, batch.width, batch.turned)
        streams, lengths = self.streams(batch, pictures)
        states, edited, text = self.language(batch, streams, lengths)
        heads = [head(state) for head, state in zip(self.rm_heads.values(), states)]
        return torch.stack(heads), {"pictures": pictures.mean(1), "edited": edited, "text": text, "final": states}

    def streams(self, batch, pictures):
        """The embedded tokens of each part of the prompts, and the lengths of the texts of all (head, pair)."""
        table = self.model.language_model.embed_tokens.weight
        texts = [[self.text.tokens(text, head) for text in batch.texts] for head in range(2)]
        longest = max(len(ids) for each in texts for ids in each)
        ids = torch.tensor([[ids + [0] * (longest - len(ids)) for ids in each] for each in texts])
        lengths = torch.tensor([[len(ids) for ids in each] for each in texts])[:, batch.pair_text].reshape(-1)
        sources, edited = pictures[batch.sources], pictures[batch.edited]
        between = table[torch.tensor([self.text.end, self.text.start])]
        return [
            table[torch.tensor(self.text.head)][None],
            torch.cat((sources, between[None].expand(len(sources), -1, -1)), 1),
            torch.cat((edited, between[None, :1].expand(len(edited), -1, -1)), 1),
            table[ids][:, batch.pair_text].flatten(0, 1),
        ], lengths

    def language(self, batch, streams, lengths):
        """The final states at <|Reward|> [2, pairs, hidden]; before the last layer, those of edited pictures and of pairs."""
        net = self.model.language_model
        starts = [sum(stream.shape[1] for stream in streams[:part]) for part in range(4)]
        places = [net.places(start, stream.shape[1]) for start, stream in zip(starts, streams)]
        pair_edited = batch.pair_edited.repeat(2)
        behind = [None, batch.edited_source, batch.edited_source[pair_edited]]
        masks = [mask(start, stream.shape[1]) for start, stream in zip(starts, streams)]
        every, at = torch.arange(len(lengths)), lengths - 1
        for layer in net.layers[:-1]:
            inner = [norm(stream, layer.input_layernorm.weight) for stream in streams]
            keys = [layer.self_attn.keys(x, *place) for x, place in zip(inner, places)]
            seen = [
                layer.self_attn.look(layer.self_attn.queries(x, *place), *join(keys, part, behind, pair_edited), masks[part])
                for part, (x, place) in enumerate(zip(inner, places))
            ]
            streams = [layer.finish(stream, looked) for stream, looked in zip(streams, seen)]
        layer, probed = net.layers[-1], (streams[2][:, -1], streams[3][every, at])
        inner = [norm(stream, layer.input_layernorm.weight) for stream in streams]
        keys = [layer.self_attn.keys(x, *place) for x, place in zip(inner, places)]
        # In the last layer only <|Reward|> asks.
        cos, sin = (value[at][:, None, None] for value in places[3])
        asking = layer.self_attn.queries(inner[3][every, at][:, None], cos, sin)
        reach = torch.arange(starts[3] + streams[3].shape[1])[None] < (starts[3] + lengths)[:, None]
        seen = layer.self_attn.look(asking, *join(keys, 3, behind, pair_edited), reach[:, None, None])
        states = norm(layer.finish(probed[1], seen[:, 0]), net.norm.weight)
        return states.view(2, -1, states.shape[-1]), *probed


def mask(before, length):
    """Everything before, and what has come of the part itself."""
    return torch.cat((torch.ones(length, before), torch.ones(length, length).tril()), 1).bool()


def join(keys, part, behind, pair_edited):
    """Keys and values of a part of the prompt with those of all parts before it."""
    count = len(keys[part][0])
    parts = []
    for earlier, (k, v) in enumerate(keys[: part + 1]):
        if earlier == part:
            parts.append((k, v))
        elif earlier == 0:
            parts.append((k.expand(count, -1, -1, -1), v.expand(count, -1, -1, -1)))
        elif earlier == 1:
            parts.append((k[behind[part - 1]], v[behind[part - 1]]))
        else:
            parts.append((k[pair_edited], v[pair_edited]))
    return tuple(torch.cat(each, 2) for each in zip(*parts))


def fitted(height, width, budget):
    """The height and width at which a picture is seen: whole 28s, about `budget` pixels."""
    rows, columns = (max(28, round(length / 28) * 28) for length in (height, width))
    if rows * columns > budget:
        shrink = math.sqrt(height * width / budget)
        rows, columns = (max(28, math.floor(length / shrink / 28) * 28) for length in (height, width))
    elif rows * columns < budget:
        grow = math.sqrt(budget / (height * width))
        rows, columns = (math.ceil(length * grow / 28) * 28 for length in (height, width))
    return rows, columns
