"""Language models as detectors: a policy's text is the question, the answer must have one strict form.

>>> from seawall.providers.judges import Judge, read_judge
>>> from seawall.providers import read_yaml
>>> section = read_yaml('''
... judge: rudeness-judge
... family: gpt-oss-safeguard
... model: gpt-oss-safeguard-20b
... url: http://127.0.0.1:9/v1
... signals:
...   rudeness_judged: {definition: Insults aimed at another user., harm: harassment}
... ask_when: {signal: harassment, from: 0.2, to: 0.9}
... ''', "judges.yaml")
>>> judge = Judge(read_judge(section))
>>> [signal.name for signal in judge.spec.signals], judge.ask_when[0].low
(['rudeness_judged'], 0.2)

A judge of an active policy gets its text from a function: ``Judge(config, questions)``.
"""

from seawall.providers.judges.configuration import read_judge
from seawall.providers.judges.families import FAMILIES, Family, JudgeVerdict, Prompt
from seawall.providers.judges.judge import Judge, JudgeConfig, JudgedPolicy
from seawall.providers.judges.questions import FindQuestion, PolicyQuestion, PolicyQuestions

__all__ = [
    "FAMILIES",
    "Family",
    "FindQuestion",
    "Judge",
    "JudgeConfig",
    "JudgeVerdict",
    "JudgedPolicy",
    "PolicyQuestion",
    "PolicyQuestions",
    "Prompt",
    "read_judge",
]
