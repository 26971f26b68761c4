"""The plainest writer of programs: ask N times, judge each answer, keep the best.

Usage: python best_of_n.py N http://127.0.0.1:8011/v1
"""

import json
import re
import sys
import urllib.request
from pathlib import Path

from evaluator import judge

count, address = int(sys.argv[1]), sys.argv[2]
task = Path("task/TASK.md").read_text()
best, score = "task/entry.py", judge("task/entry.py")["score"]
print(f"{best}: {score:.4%}")
for n in range(count):
    question = {"model": "stand-in", "messages": [{"role": "user", "content": task}]}
    request = urllib.request.Request(
        f"{address}/chat/completions", json.dumps(question).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request) as reply:
        text = json.load(reply)["choices"][0]["message"]["content"]
    path = Path(f"answer_{n}.py")
    path.write_text(re.search(r"```python\n(.*?)```", text, re.DOTALL)[1])
    told = judge(str(path))
    failed = next((stage["seen"] for stage in told["stages"] if not stage["passed"]), "")
    print(f"{path}: {failed or format(told['score'], '.4%')}")
    if told["passed"] and told["score"] < score:
        best, score = str(path), told["score"]
print(f"best: {best}, {score:.4%} above the optimum")
