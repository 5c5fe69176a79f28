"""The words of a random model: prompts, chat template, and a small tokenizer trained on a small text."""

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

SPECIAL = [
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<|vision_start|>",
    "<|vision_end|>",
    "<|image_pad|>",
    "<|video_pad|>",
    "<|Reward|>",
]
REWARD = "<|Reward|>"
PROMPT_NAMES = ("instruction_following", "visual_quality")

# The expression by which tokenizers of Qwen cut a text before merging.
QWEN_PIECES = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)

# Sets of prompts. The two prompts of a set part company inside a word, lines end in blanks, and one of
# the prompts ends in a newline: whoever trims or cuts them shows it. The last set is about as long as the
# published prompts, and parts as early: 410 tokens each, of which the first 23 are common.
WORDINGS = [
    {
        "instruction_following": (
            "\nThe first picture is the original and the second one is its edited copy.  \n"
            "Your task: say how faithfully the copy does what was asked for.\n\n"
            "- 1: nothing was done, or something else  \n- 4: done in full, and nothing besides  \n\n"
            "What was asked for: {text_prompt}"
        ),
        "visual_quality": (
            "\nThe first picture is the original and the second one is its edited copy.  \n"
            "Your task: say how fair the copy looks.\n\n"
            "- 1: seams, smears and noise  \n- 4: as clean as a photograph  \n\n"
            "What was asked for: {text_prompt}\n"
        ),
        "tail": "\nGive one verdict on this edit: <|Reward|>\n\nSTOP\n",
    },
    {
        "instruction_following": "Was it done as told? Order: {text_prompt}",
        "visual_quality": "Was it done with care? Order: {text_prompt}",
        "tail": "\nMark = <|Reward|> / 4\n",
    },
    {
        "instruction_following": (
            "\nThe second picture is an edited copy of the first. Say how faithfully it does what was asked for.\n\n"
            "Look at these things, one after the other:\n"
            "- Is everything that was asked for there, and in the right place?\n"
            "- Is it there as often as was asked for, and in the right colour, size and style?\n"
            "- Was anything removed, added or moved that nobody asked for?\n"
            "- Are the people, the animals and the things that were to stay still the same ones?\n"
            "- Is the text that was asked for written as it was asked for?\n\n"
            "Then choose a mark:\n"
            "- 1: nothing was done, or something else\n"
            "- 2: some of it was done, and much of it is missing or wrong\n"
            "- 3: most of it was done, with small faults or with a few changes besides\n"
            "- 4: done in full, and nothing besides\n\n"
            "How the copy looks is not asked here: there is another mark for that.\n"
            "What was asked for: {text_prompt}"
        ),
        "visual_quality": (
            "\nThe second picture is an edited copy of the first. Say how fair it looks.\n\n"
            "Look at these things, one after the other:\n"
            "- Are the edges of what was changed clean, without seams, smears and noise?\n"
            "- Are light, shadows and reflections in the right place for what was added?\n"
            "- Are hands, faces and letters whole, and as many as there should be?\n"
            "- Are sharpness and grain the same in the whole of the copy?\n"
            "- Do colour and contrast look as those of a photograph do?\n\n"
            "Then choose a mark:\n"
            "- 1: there are seams, smears and noise all over the picture\n"
            "- 2: some faults show at once\n"
            "- 3: a few small faults show to those who look for them\n"
            "- 4: as clean as a photograph\n\n"
            "What was asked for and what was done is not asked here: there is another mark for that.\n"
            "What was asked for: {text_prompt}\n"
        ),
        "tail": "\nGive one verdict on this edit: <|Reward|>\n\nSTOP\n",
    },
]

TEXT = """
Make the sky bluer and the grass greener. Make it brighter, make it darker, make it warmer, make it colder.
Turn the red car into a blue car. Turn the picture into a black and white photograph from 1950.
Remove the lamp on the left, remove the people behind the house, remove the text in the upper right corner.
Add a green bowl on the table. Add a small boat on the lake, and add its reflection in the water.
Put the dog's ball under the chair; don't move the dog.
They're playing, we've seen it, I'm sure, he'll stay, she'd know.
Raise the contrast by 20 % and lower the saturation by 5 %. Crop it to 16:9, then rotate it by 90 degrees.
Change the colour of the walls to #ffeedd. Write "OPEN 24/7" above the door, in white letters.
The original picture shows a street; the edited copy shows the same street at night, with rain on the stones.
What was asked for was done in full: nothing besides was changed, and the edges look clean.
What was asked for was not done: something else was changed, and there are seams and smears around the window.
How faithfully does the second picture do what was asked for? How fair does the second picture look?
One verdict on this edit: the first picture is the original and the second one is its edited copy.
Une photo en noir et blanc, un café près de la forêt, s'il te plaît. Füge eine Brücke über den Fluss hinzu.
Añade un niño en el balcón. Zażółć gęślą jaźń. 把天空变成蓝色，把背景变成白色。 空を青くして、背景を白くする。
user assistant system You are a helpful assistant. Stop. Was it done as told? Was it done with care? Order: mark = 4
"""


def chat_template(system):
    """A template with the layout of Qwen2.5-VL: each picture between its two marks, then the text."""
    return (
        "{% set seen = namespace(pictures=0) %}{% for turn in messages %}"
        "{% if loop.first and turn.role != 'system' %}<|im_start|>system\n" + system + "<|im_end|>\n{% endif %}"
        "<|im_start|>{{ turn.role }}\n"
        "{% if turn.content is string %}{{ turn.content }}{% else %}{% for part in turn.content %}"
        "{% if part.type == 'image' or 'image' in part %}{% set seen.pictures = seen.pictures + 1 %}"
        "{% if add_vision_id %}Picture {{ seen.pictures }}: {% endif %}<|vision_start|><|image_pad|><|vision_end|>"
        "{% elif part.type == 'video' or 'video' in part %}<|vision_start|><|video_pad|><|vision_end|>"
        "{% elif 'text' in part %}{{ part.text }}{% endif %}"
        "{% endfor %}{% endif %}<|im_end|>\n{% endfor %}"
        "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
    )


def train_tokenizer(merges):
    """A byte-level BPE of at most `merges` merges with the conventions of Qwen's tokenizers."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    split = pre_tokenizers.Split(Regex(QWEN_PIECES), "isolated")
    level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([split, level])
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=len(alphabet) + merges, min_frequency=2, initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(TEXT.splitlines(keepends=True), trainer)
    tokenizer.add_special_tokens(SPECIAL)
    return tokenizer


def special_ids(tokenizer):
    """Id of each special token."""
    return {token: tokenizer.token_to_id(token) for token in SPECIAL}


def tokenizer_config(ids, system):
    """All of tokenizer_config.json."""
    flags = {"lstrip": False, "normalized": False, "rstrip": False, "single_word": False, "special": True}
    return {
        "tokenizer_class": "Qwen2Tokenizer",
        "add_bos_token": False,
        "add_prefix_space": False,
        "added_tokens_decoder": {str(index): {"content": token} | flags for token, index in ids.items()},
        "additional_special_tokens": SPECIAL[1:],
        "bos_token": None,
        "eos_token": "<|im_end|>",
        "pad_token": "<|endoftext|>",
        "unk_token": None,
        "clean_up_tokenization_spaces": False,
        "errors": "replace",
        "split_special_tokens": False,
        "model_max_length": 131072,
        "chat_template": chat_template(system),
    }
