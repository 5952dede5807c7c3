"""The letters about webhook endpoints that were shut. Both languages side by side. A part of ``letter_texts.py``."""

from tenure.kernel.text import Text
from tenure.web.shared.paragraphs import Words, say

SEE_ENDPOINT = Text("See what was sent, and resume it: {link}", "檢視傳送紀錄並恢復傳送：{link}")
CATCH_UP = say(
    "When you resume it, it can catch up with everything it missed. The feed of events holds all of it meanwhile.",
    "恢復時可以補送期間錯過的所有事件；在此之前，事件清單仍可查到全部事件。",
)

WEBHOOKS: dict[str, Words] = {
    "webhooks.failing": Words(
        Text(
            "Webhooks to {host} were stopped: no answer for five days", "已停止傳送 Webhook 至 {host}：連續五天沒有回應"
        ),
        (
            say(
                "The endpoint at {host} of {company} has not taken anything for five days, so nothing more is sent "
                "to it.",
                "「{company}」設於 {host} 的 Webhook 端點已連續五天未能收件，因此不再傳送。",
            ),
            CATCH_UP,
        ),
        SEE_ENDPOINT,
    ),
    "webhooks.gone": Words(
        Text(
            "Webhooks to {host} were stopped: it says it is gone", "已停止傳送 Webhook 至 {host}：對方表示端點已不存在"
        ),
        (
            say(
                "The endpoint at {host} of {company} answered that it is gone for good (410), so nothing more is sent "
                "to it.",
                "「{company}」設於 {host} 的 Webhook 端點回應已永久移除（410），因此不再傳送。",
            ),
            CATCH_UP,
        ),
        SEE_ENDPOINT,
    ),
}
