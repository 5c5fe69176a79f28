"""A reward: how close the picture's mean brightness is to what the recipe asks for. Needs Pillow."""

from editscale.plugins import Call, Config, Judged, Reward, RewardCard, RewardItem, serve


class Brightness(Reward):
    """Highest for a picture of the wanted brightness."""

    version = "1.0"

    def load(self, config: Config) -> RewardCard:
        """Weights would be loaded here, and heavy packages imported."""
        from PIL import ImageStat

        self.stat = ImageStat.Stat
        self.wanted = config.number("wanted", default=0.6, low=0.0, high=1.0)
        return RewardCard(revision=f"brightness/1, wanted {self.wanted}", range=(0.0, 1.0), largest_batch=16)

    def score_one(self, item: RewardItem, call: Call) -> Judged:
        """One outcome an item; a plain number does where there are no parts to tell."""
        before, after = (self.stat(picture.open("L")).mean[0] / 255.0 for picture in (item.source, item.candidate))
        return Judged(1.0 - abs(after - self.wanted), parts={"before": before, "after": after})


if __name__ == "__main__":
    serve(Brightness)
