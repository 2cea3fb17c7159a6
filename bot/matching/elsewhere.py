"""Everyday messages about nothing in particular, for contents that bring hardly any messages that are none of theirs.

From them such a content learns what a question from elsewhere looks like: without any, every message looks like one
of its own (``confidence.py``). Written for this purpose, in many fields and tones; what comes near an utterance of the
content is left out, since it may well be about it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from bot.matching.encoder import Encoder

Floats = npt.NDArray[np.float32]

ENOUGH = 100
"""With so many background messages of its own a content needs none of these."""
_NEAR_FROM = 0.5
"""Cosine: unrelated messages stay under it, two about one thing are mostly above."""

MESSAGES = """
what year did the berlin wall come down
who painted the girl with the pearl earring
why do leaves change colour in autumn
are spiders insects
how do bees make honey
what do pandas eat
my dog barks at the postman every single morning
the goldfish swims on its side, is that normal
which breed of cat sheds the least
how do you prune roses
my tomatoes have black spots underneath
when should I plant tulip bulbs
what is the derivative of sine
solve 3x + 7 = 22
how many grams are in an ounce
convert 40 miles to kilometres
is 91 a prime number
write a poem about the sea
can you draw me a castle
make up a story about a dragon
sing me something
do you know any riddles
say something funny
how do you say good night in japanese
what does carpe diem mean
is it affect or effect
proofread this sentence for me
what is a semicolon for
is the strike still on
what is the news today
how is the stock market doing
should I buy gold now
what are mortgage rates like at the moment
how do I file my tax return
can my landlord raise the rent
how long does probate take
do I need a lawyer for a divorce
what should I write in a cover letter
how do I ask my boss for a rise
which university is best for physics
how do I get better at chess
what are the rules of cricket
when does the season start
how long is a marathon
which running shoes are good for beginners
how do I do a handstand
is the ski slope open in april
what should I pack for iceland
where can I park near the stadium
is the motorway closed tonight
how do I get a scratch out of wood
the washing machine does not drain
why is my radiator cold at the bottom
what colour goes with dark green walls
how do I hang a heavy mirror
my laptop will not turn on
how do I take a screenshot
the printer says paper jam but there is none
I forgot the password of my email
how do I reverse a list in python
what is the difference between http and https
which phone has the best camera
why is my internet so slow in the evening
how do I block a number
how long do I boil an egg
a recipe for lentil soup please
can I freeze cooked rice
how do I make sourdough starter
which film won the oscar last year
who sings that song about umbrellas
what was beethoven's last symphony
how do I tune a guitar
recommend a good thriller
who wrote don quixote
what is existentialism
do ghosts exist
is there life on other planets
what happened before the big bang
how do magnets work
why is the sea salty
how are diamonds made
what is the boiling point of ethanol
will it snow at the weekend
how warm is it in cairo right now
when is sunset today
how many days until christmas
what day of the week is the first of may
what is the time in sydney
how do I get rid of hiccups
my back hurts from sitting all day
is this mole dangerous
how do you treat a sprained ankle
what helps against hay fever
how much sleep does a newborn need
my toddler refuses to eat vegetables
what is a nice present for a ten year old
how do I tie a tie
what should I wear to a wedding in the garden
I had a fight with my best friend
she has not answered my message for three days
how do I know that he loves me
I am so bored
my train was late again
I have just moved into a new flat
today was a good day
nobody understands me
lol
no way
just testing
are you there
asdf jkl
where did I put my keys
is my shirt inside out
can you call my mother
turn off the lights in the kitchen
set an alarm for seven
play some jazz
remind me to buy stamps
book a table for two tonight
send the file to martin
how do I cancel my subscription to the magazine
the parcel never arrived
I would like my money back
where is the nearest cash machine
what is the currency of hungary
who invented the telephone
how does an election in the united states work
what is inflation
when was the first world war
what are the seven wonders of the world
""".strip().splitlines()


def messages_for(vectors: Floats, background: Sequence[str], encoder: Encoder) -> tuple[list[str], Floats]:
    """Those of MESSAGES that a content needs whose utterances have ``vectors``, with their own vectors.

    None are needed beside ``background`` messages enough.
    """
    if len(background) >= ENOUGH:
        return [], np.zeros((0, vectors.shape[1]), dtype=np.float32)
    general = encoder.encode_many(MESSAGES)
    far = (general @ vectors.T).max(axis=1) < _NEAR_FROM
    return [text for text, is_far in zip(MESSAGES, far, strict=True) if is_far], general[far]
