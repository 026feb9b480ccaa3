# ---
# jupyter:
#   vitsim: {pt: 01_preprocessamento}
# ---

# %% [markdown] lang="en"
# # 01 · Preprocessing
#
# Before a computer can ask "is it the same one?", every photograph must reach it in the same form:
# upright, in RGB, square, without its background.
#
# **You will be able to**
# - read a picture as an array, and open any photograph upright and in RGB;
# - fit it to a square and remove its background, knowing what each way costs;
# - prepare a whole folder, and go on where you stopped.
#
# **Time:** 30 minutes and 15 for the exercises. **You need:** a little NumPy; no network.

# %% [markdown] lang="pt"
# # 01 · Pré-processamento
#
# Antes que um computador possa perguntar "é o mesmo animal?", toda foto precisa chegar a ele da
# mesma forma: na posição certa, em RGB, quadrada, sem fundo.
#
# **Ao final, você saberá**
# - ler uma imagem como um arranjo (*array*) e abrir qualquer foto na posição certa e em RGB;
# - ajustá-la a um quadrado e remover seu fundo, sabendo quanto custa cada escolha;
# - preparar uma pasta inteira e retomar de onde parou.
#
# **Tempo:** 30 minutos, mais 15 para os exercícios. **Requisitos:** um pouco de NumPy;
# internet, não.

# %%
import os
import tempfile
from contextlib import suppress
from pathlib import Path

import numpy as np
from PIL import Image

try:
    from vitsim import background, datasets, files, images, plots
except ModuleNotFoundError:
    # %pip install --quiet "vitsim[notebooks] @ git+{{repository}}"
    # %env VITSIM_LANG={{language}}
    from vitsim import background, datasets, files, images, plots
from vitsim.encoder import Encoder
from vitsim.exercises import check

# %matplotlib inline
print("vitsim ✓")

# %% [markdown] lang="en"
# ## 1. A picture is an array
#
# This is Chelsea, a real cat. Pillow opens the file; NumPy sees the numbers.

# %% [markdown] lang="pt"
# ## 1. Uma imagem é um arranjo
#
# Esta é Chelsea, uma gata de verdade. O Pillow abre o arquivo; o NumPy enxerga os números.

# %%
photo = images.open_photo(datasets.sample("cat"))
cat = np.asarray(photo)
print(photo.size, cat.shape, cat.dtype, cat.min(), cat.max())
print(cat[100, 150])

# %% [markdown] lang="en"
# Pillow says width × height; NumPy says rows × columns × **channels**. Each pixel holds red, green
# and blue (**RGB**), 8 bits each: from 0 to 255. This one has more red than blue: ginger fur. Each
# channel alone is a grey picture:

# %% [markdown] lang="pt"
# O Pillow diz largura × altura; o NumPy, linhas × colunas × **canais**. Cada pixel guarda vermelho,
# verde e azul (**RGB**), com 8 bits cada: de 0 a 255. Este tem mais vermelho que azul: pelo
# alaranjado. Cada canal, sozinho, é uma imagem em tons de cinza:

# %%
channels = [Image.fromarray(cat[:, :, channel]) for channel in range(3)]
plots.photo_row([photo, *channels], ["RGB", "R  [:, :, 0]", "G  [:, :, 1]", "B  [:, :, 2]"])

# %% [markdown] lang="en"
# The fur is bright in R, dark in B. The whiskers are bright in all three: white.
#
# ### Exercise 1: predict
# A Vision Transformer takes squares of 224 × 224 pixels, three channels, each number a `float32`
# of 4 bytes. How many bytes hold a batch of 16 photos?

# %% [markdown] lang="pt"
# O pelo é claro em R, escuro em B. Os bigodes são claros nos três: brancos.
#
# ### Exercício 1: preveja
# Um *Vision Transformer* recebe quadrados de 224 × 224 pixels, três canais, cada número um
# `float32` de 4 bytes. Quantos bytes ocupa um lote de 16 fotos?

# %% tags=["exercise"]
prediction = None

batch = np.zeros((16, 224, 224, 3), dtype=np.float32)
check(
    prediction,
    batch.nbytes,
    en="Multiply photos, rows, columns, channels and bytes a number.",
    pt="Multiplique fotos, linhas, colunas, canais e bytes por número.",
)

# %% [markdown] lang="en"
# <details><summary>Hint</summary>
#
# `cat.nbytes` is 300 · 451 · 3, because a `uint8` has one byte. Here each number has four.
# </details>

# %% [markdown] lang="pt"
# <details><summary>Dica</summary>
#
# `cat.nbytes` é 300 · 451 · 3, pois um `uint8` tem um byte. Aqui cada número tem quatro.
# </details>

# %% tags=["solution"] cellView="form" jupyter={"source_hidden": true, "outputs_hidden": true}
prediction = 16 * 224 * 224 * 3 * 4
print(prediction)
check(prediction, batch.nbytes)

# %% [markdown] lang="en"
# ## 2. The same cat in other containers
#
# Printers mix inks, not light: **CMYK**, cyan, magenta, yellow and black. Cyan ink swallows red
# light, so the plain conversion is C = 255 − R, and so on.

# %% [markdown] lang="pt"
# ## 2. A mesma gata em outros formatos
#
# Impressoras misturam tintas, não luz: **CMYK**, ciano, magenta, amarelo e preto. A tinta ciano
# absorve a luz vermelha; a conversão simples é, portanto, C = 255 − R, e assim por diante.

# %%
inks = np.asarray(photo.convert("CMYK"))
print(inks.shape, np.abs(inks[:, :, :3].astype(int) - (255 - cat)).max())

# %% [markdown] lang="en"
# The largest difference is 0. But there are four channels now: a network built for three refuses
# them or, worse, takes the first three, a negative.
#
# Scanners store **16 bits**, up to 65,535. Cutting them to 8 keeps the *last* ones, the least
# important. Dividing by 257 keeps the first.

# %% [markdown] lang="pt"
# A maior diferença é 0. Mas agora são quatro canais: uma rede feita para três os recusa ou, pior,
# usa os três primeiros, um negativo.
#
# Escâneres guardam **16 bits**, até 65.535. Truncá-los para 8 preserva os *últimos*, os menos
# importantes. Dividir por 257 preserva os primeiros.

# %%
deep = np.uint16(65535 * np.sqrt(cat[:, :, 1] / 255))  # √: else its last 8 bits were the cat
wrapped, right = deep.astype(np.uint8), (deep / 257).astype(np.uint8)
grey = [Image.fromarray(pixels) for pixels in (wrapped, right)]
plots.photo_row(grey, ["deep.astype(np.uint8)", "deep / 257"])

# %% [markdown] lang="en"
# Left, noise; right, the cat. No error was raised.
#
# A telephone held upright often stores its picture lying down, with a note, the **EXIF**
# orientation, on how to turn it. Viewers obey; `Image.open` does not.

# %% [markdown] lang="pt"
# À esquerda, ruído; à direita, a gata. Nenhum erro foi acusado.
#
# Um celular em pé costuma guardar a imagem deitada, com uma anotação, a orientação **EXIF**, de
# como girá-la. Visualizadores obedecem; `Image.open`, não.

# %%
folder = Path(tempfile.mkdtemp())
exif = Image.Exif()
exif[0x0112] = 6
photo.rotate(90, expand=True).save(folder / "phone.jpg", exif=exif)

stored, upright = Image.open(folder / "phone.jpg"), images.open_photo(folder / "phone.jpg")
both = [Image.fromarray(np.asarray(stored)), upright]  # as it was read, without its note
plots.photo_row(both, ["Image.open", "images.open_photo"])

# %% [markdown] lang="en"
# `images.open_photo` has read the note. It also turns CMYK, 16 bits and greys into 8-bit RGB; from
# here on, every photo goes through it.
#
# ## 3. Making it square
#
# A Vision Transformer wants a square. A photo of 600 × 400 gets there in three ways.

# %% [markdown] lang="pt"
# `images.open_photo` leu a anotação. Também converte CMYK, 16 bits e cinza em RGB de 8 bits; daqui
# em diante, toda foto passa por ela.
#
# ## 3. Do retângulo ao quadrado
#
# Um *Vision Transformer* exige um quadrado. Uma foto de 600 × 400 chega lá por três caminhos.

# %%
coffee = images.open_photo(datasets.sample("coffee"))
squares = [images.fit(coffee, 224, how) for how in images.FITS]
plots.photo_row([coffee, *squares], ["600 × 400", *images.FITS])

# %% [markdown] lang="en"
# **Letterbox** keeps all, and spends part of the square on grey bars. **Squash** keeps all, but the
# cup grows slim. **Crop** keeps the proportions, but the saucer loses its rim. In numbers, also for
# a portrait photo of 300 × 400:

# %% [markdown] lang="pt"
# **Letterbox** (tarjas) conserva tudo e gasta parte do quadrado com faixas cinza. **Squash**
# (achatar) conserva tudo, mas a xícara emagrece. **Crop** (cortar) conserva as proporções, mas o
# pires perde a borda. Em números, também para uma foto vertical de 300 × 400:

# %%
for width, height in [(600, 400), (300, 400)]:
    kept = min(width, height) / max(width, height)
    print(f"{width} × {height}   letterbox {1 - kept:.2f}   crop {1 - kept:.2f}", end="   ")
    print(f"squash {height / width:.2f}")

# %% [markdown] lang="en"
# Letterbox fills 0.33 of the square with grey; crop throws 0.33 of the photo away; squash makes the
# cup 0.67 times as wide as it is in one photo, 1.33 times in the other. What does that do to a
# match? Choose a model (`None` is the shipped `tiny`) and score the photo against an upright piece of it.

# %% [markdown] lang="pt"
# O letterbox preenche 0,33 do quadrado com cinza; o corte joga fora 0,33 da foto; o squash deixa a
# xícara com 0,67 da largura real numa foto, 1,33 na outra. O que isso faz com um escore? Escolha um
# modelo (`None`: `tiny`, do curso) e compare a foto com um pedaço dela.

# %%
model = None  # "google/vit-base-patch16-224", "facebook/dinov2-small"

encoder = Encoder.load(model)
plots.name_model(encoder.name)
tall, shown, titles = coffee.crop((140, 0, 440, 400)), [], []
for how in images.FITS:
    cup, same_cup, other = encoder.embed([coffee, tall, photo], how=how)
    print(f"{how:10} cat {cup @ other:.2f}")
    shown += [images.fit(coffee, 224, how), images.fit(tall, 224, how)]
    titles += [how, f"{cup @ same_cup:.2f}"]
plots.photo_row(shown, titles)

# %% [markdown] lang="en"
# Above the portrait photos stands their score with the landscape one; printed is the cup's with the
# cat. Which way has the widest gap? The network sees bars, too: above and below in one photo, at
# the sides in the other. Crop compares a picture with its own middle: no proof; lesson 06 measures. vitsim letterboxes;
# `google/vit-base-patch16-224` squashes.
#
# ### Exercise 2: build
# Write the letterbox: scale the longer side to `size`, paste in the middle of a grey square. `resize`
# with its defaults; margins `(size - side) // 2`.

# %% [markdown] lang="pt"
# Acima das fotos verticais está seu escore com a horizontal; impresso, o da xícara com a gata. Qual
# caminho tem a maior diferença? A rede também vê as tarjas: em cima e embaixo numa foto, dos lados
# noutra. O corte compara a imagem com seu miolo: não prova nada; a aula 06 mede. O vitsim usa
# tarjas; `google/vit-base-patch16-224` achata.
#
# ### Exercício 2: construa
# Escreva o letterbox: leve o lado maior a `size` e cole a foto no meio de um quadrado cinza. `resize`
# sem opções; margens `(size - side) // 2`.


# %% tags=["exercise"]
def my_letterbox(image, size):
    square = Image.new("RGB", (size, size), images.GREY)
    return None


for cup in (coffee, tall):
    check(
        my_letterbox(cup, 224),
        images.fit(cup, 224),
        en="Compare the scale, the corner where you paste, the filter and the grey.",
        pt="Confira a escala, o canto onde você cola, o filtro e o cinza.",
        tolerance=1,
    )

# %% [markdown] lang="en"
# <details><summary>Hint</summary>
#
# `scale = size / max(image.size)`; new sides: `round(side * scale)`. `square.paste(small, (x, y)) →
# None` wants the upper left corner.
# </details>

# %% [markdown] lang="pt"
# <details><summary>Dica</summary>
#
# `scale = size / max(image.size)`; novos lados: `round(side * scale)`. `square.paste(small, (x, y))
# → None` pede o canto superior esquerdo.
# </details>


# %% tags=["solution"] cellView="form" jupyter={"source_hidden": true, "outputs_hidden": true}
def my_letterbox(image, size):
    square = Image.new("RGB", (size, size), images.GREY)
    scale = size / max(image.size)
    width, height = (round(side * scale) for side in image.size)
    small = image.resize((width, height))
    square.paste(small, ((size - width) // 2, (size - height) // 2))
    return square


for cup in (coffee, tall):
    check(my_letterbox(cup, 224), images.fit(cup, 224), tolerance=1)

# %% [markdown] lang="en"
# ## 4. What is pet, what is not
#
# Two pets on one lawn can look more alike than one pet in two places. So we keep the pet alone. The
# program that rendered the Toy Pets knows which pixels are pet: the **mask**.

# %% [markdown] lang="pt"
# ## 4. O que é animal, o que não é
#
# Dois animais no mesmo gramado podem se parecer mais que um animal em dois lugares. Por isso ficamos
# só com o animal. O programa que gerou os Toy Pets sabe quais pixels são do animal: a **máscara**.

# %%
pets = datasets.pets()
row = pets[pets["photo"].str.endswith("cat_007_02.jpg")].iloc[0]
pet, mask = images.open_photo(row["photo"]), Image.open(row["mask"]).convert("L")
print(pet.size, mask.size, f"{np.mean(np.asarray(mask)) / 255:.2f}")
plots.photo_row([pet, mask], ["photo", "mask"])

# %% [markdown] lang="en"
# White is pet: only 0.22 of the photo. How good is another mask? **Intersection over union** (IoU):
# pixels in both, divided by pixels in either. We try it on masks spoiled on purpose: moved by 8
# pixels, and cut in half.

# %% [markdown] lang="pt"
# Branco é animal: só 0,22 da foto. Quão boa é outra máscara? **Interseção sobre união** (IoU):
# pixels em ambas, divididos pelos pixels em ao menos uma. Testemos com máscaras estragadas de
# propósito: uma deslocada em 8 pixels, outra cortada ao meio.


# %%
def iou(one, other):
    return np.sum(one & other) / np.sum(one | other)


exact = np.asarray(mask) >= 128
half = exact & (np.arange(320) < np.median(np.nonzero(exact)[1]))
for name, spoiled in [("=", exact), ("→ 8", np.roll(exact, 8, axis=1)), ("½", half)]:
    print(f"{name:5} {iou(exact, spoiled):.2f}")

# %% [markdown] lang="en"
# The exact mask scores 1.00, half of it half; a shift of 2.5 % of the width costs 0.22.
#
# ## 5. A network draws the mask
#
# Real photos come without masks; **U²-Net** guesses them. It is a U: on the way down it halves the
# picture again and again, and each number sees more of the scene; on the way up it doubles it, and
# takes back at every size the detail seen before. Every stage is itself a small U, hence the ². Out
# comes, for each pixel, a number from 0 to 1: its score for foreground.
#
# **rembg** runs such networks; `cutout`, a narrow one, comes with the course. Loading takes up to a
# minute, once.

# %% [markdown] lang="pt"
# A máscara exata vale 1,00; metade dela, metade; um deslocamento de 2,5 % da largura custa 0,22.
#
# ## 5. Uma rede desenha a máscara
#
# Fotos reais vêm sem máscara; a **U²-Net** a estima. Ela é um U: ao descer, reduz a imagem à metade
# repetidas vezes, e cada número vê mais da cena; ao subir, amplia-a outra vez e recupera, em cada
# tamanho, os detalhes já vistos. Cada etapa é, por sua vez, um pequeno U: daí o ². O resultado,
# para cada pixel, é um número de 0 a 1: seu escore de primeiro plano.
#
# O **rembg** executa redes assim; a `cutout`, uma versão estreita, vem com o curso. Na primeira
# vez, carregá-la leva até um minuto.

# %% tags=["nbval-ignore-output"]
weights = background.fetch("cutout")
os.environ["U2NET_HOME"] = str(weights.parent)  # rembg takes custom weights from there only
import rembg

on_cpu = ["CPUExecutionProvider"]
session = rembg.new_session("u2net_custom", model_path=str(weights), providers=on_cpu)
del os.environ["U2NET_HOME"]
print("rembg ✓")

# %% [markdown] lang="en"
# First by hand: divide by the largest, apply ImageNet's mean and standard deviation, put the
# channels first, run the network. Then by rembg, which also stretches the answer to the full range.

# %% [markdown] lang="pt"
# Primeiro, à mão: dividir pelo maior, aplicar a média e o desvio padrão da ImageNet, pôr os canais
# na frente, executar a rede. Depois, pelo rembg, que ainda estica a resposta de 0 a 1.

# %%
scaled = np.asarray(pet) / np.asarray(pet).max()
scaled = (scaled - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
given = scaled.transpose(2, 0, 1)[None].astype(np.float32)
(answer,) = session.inner_session.run(None, {"input": given})
print(given.shape, answer.shape)

soft = rembg.remove(pet, session=session, only_mask=True)
stretched = (answer[0, 0] - answer.min()) / (answer.max() - answer.min())
print(np.abs(255 * stretched - np.asarray(soft)).max() <= 1)

# %% [markdown] lang="en"
# The same, up to rounding. The stretch gives even a photo without a pet its mask.
#
# This is a **soft mask**: on the border, values between 0 and 1. A **threshold** at 0.5 makes each
# pixel all or nothing. The **cut-out** lays the pet on a colour: `m · photo + (1 − m) · colour`.

# %% [markdown] lang="pt"
# Iguais, salvo arredondamento. Com o esticamento, até uma foto sem animal ganha máscara.
#
# Esta é uma **máscara suave** (*soft*): na borda, valores entre 0 e 1. Um **limiar** de 0,5 faz de
# cada pixel tudo ou nada. O **recorte** põe o animal sobre uma cor: `m · foto + (1 − m) · cor`.

# %%
m = np.asarray(soft)[:, :, None] / 255
by_hand = m * np.asarray(pet) + (1 - m) * np.array(images.GREY)
hard = soft.point(lambda value: 255 * (value >= 128))
cuts = [background.cut_out(pet, one) for one in (soft, hard)]
print(np.abs(by_hand - np.asarray(cuts[0])).max() <= 1)

ears = [cut.crop((150, 76, 198, 124)) for cut in cuts]
ears = [ear.resize((320, 320), Image.Resampling.NEAREST) for ear in ears]
plots.photo_row([soft, hard, *ears], ["soft", "soft ≥ 0.5", "soft cut-out", "hard cut-out"])

# %% [markdown] lang="en"
# Right, an ear from near: a soft border mixes fur and grey, a hard one keeps or drops each
# pixel. Are these good masks? `background.mask_of` asks rembg and keeps the answer on disk; 54 photos
# of 18 pets, against the exact masks:

# %% [markdown] lang="pt"
# À direita, uma orelha de perto: a borda suave mistura pelo e cinza; a dura mantém ou descarta cada
# pixel. São boas? `background.mask_of` chama o rembg e guarda a resposta no disco; 54 fotos de 18
# animais, contra as máscaras exatas:

# %%
shelter = pets.query("split == 'dev' and role == 'gallery'")
ious = []
for row in shelter.itertuples():
    drawn = background.mask_of(images.open_photo(row.photo))
    ious.append(iou(np.asarray(drawn) >= 128, np.asarray(Image.open(row.mask))))
print(len(ious), shelter["pet"].nunique())
plots.name_model("cutout")
plots.score_strips({"IoU": np.array(ious)}, across="IoU")

# %% [markdown] lang="en"
# A mean hides failures. Here are the three worst:

# %% [markdown] lang="pt"
# Uma média esconde as falhas. Eis as três piores:

# %%
worst, shown, titles = np.argsort(ious)[:3], [], []
for i in worst:
    image = images.open_photo(shelter["photo"].iloc[i])
    shown += [image, background.cut_out(image, background.mask_of(image))]
    titles += [shelter["pet"].iloc[i], f"IoU {ious[i]:.2f}"]
plots.photo_row(shown, titles)

# %% [markdown] lang="en"
# What stayed that is not pet? What is missing? A match would then compare lawns, or half a cat.
#
# ### Which colour?

# %% [markdown] lang="pt"
# O que sobrou além do animal? O que falta? A busca compararia, então, gramados ou meio gato.
#
# ### Que cor?

# %%
other = pets[pets["photo"].str.endswith("cat_011_08.jpg")].iloc[0]
tuxedo, outline = images.open_photo(other["photo"]), Image.open(other["mask"])
values = np.array([0, 128, 255])
cuts = [background.cut_out(tuxedo, outline, (int(value),) * 3) for value in values]
titles = [f"{value} → {(value / 255 - 0.5) / 0.5:z.2f}" for value in values]
plots.photo_row(cuts, [title.replace("-", "−") for title in titles])

# %% [markdown] lang="en"
# This cat's back melts into black, but the eye is not the judge: after the arrow stands what `tiny`
# receives, scaled to −1…1. **Grey is 0.00**, the middle. vitsim takes it for bars and cut-outs
# alike; what counts is one colour for all photos.
#
# ### Crop
# Cropped to the mask's **bounding box**, with 5 % around, the pet fills more of the square:

# %% [markdown] lang="pt"
# As costas deste gato somem no preto, mas o juiz não é o olho: depois da seta está o que o `tiny`
# recebe, na escala −1…1. **Cinza é 0,00**, o meio. O vitsim o usa em tarjas e recortes;
# importa usar uma só cor em todas as fotos.
#
# ### Enquadrar
# Enquadrado pela caixa da máscara (**bounding box**), com 5 % de folga, o animal ocupa mais do
# quadrado:

# %%
close = background.cut_out(tuxedo, outline, crop=True)
covered = np.sum(np.asarray(outline))  # pixels
print(f"{covered / max(tuxedo.size) ** 2:.2f} → {covered / max(close.size) ** 2:.2f}")
plots.photo_row([cuts[1], images.fit(close, 224)], ["cut-out", "cropped"])

# %% [markdown] lang="en"
# ### The alpha trap
# Pictures can carry a fourth channel, **alpha**: how opaque each pixel is. It is tempting to store
# the mask there.

# %% [markdown] lang="pt"
# ### A armadilha do alfa
# Imagens podem trazer um quarto canal, **alfa**: o quanto cada pixel é opaco. É tentador guardar a
# máscara ali.

# %%
transparent = pet.copy()
transparent.putalpha(mask)
trapped = transparent.convert("RGB")
print(f"{np.abs(np.asarray(trapped) - np.asarray(pet).astype(int)).mean():.2f}")
plots.photo_row([transparent, trapped], ["RGBA", '.convert("RGB")'])

# %% [markdown] lang="en"
# The background is back: the difference from the photo is 0.00. It was only hidden, and `convert`
# drops what hid it, without a warning.
#
# ### Exercise 3: change
# Change the first line: grey instead of the background.

# %% [markdown] lang="pt"
# O fundo voltou: a diferença em relação à foto é 0,00. Estava apenas escondido; `convert` descarta
# o que o escondia, sem avisar.
#
# ### Exercício 3: modifique
# Modifique a primeira linha: em vez do fundo, o cinza.

# %% tags=["exercise"]
flat = transparent.convert("RGB")

check(
    np.asarray(flat.convert("RGBA")),
    np.asarray(background.cut_out(pet, mask, images.GREY).convert("RGBA")),
    en="The background is still there, or the colour is not images.GREY.",
    pt="O fundo ainda está lá, ou a cor não é images.GREY.",
    tolerance=1,
)

# %% [markdown] lang="en"
# <details><summary>Hint</summary>
#
# `Image.alpha_composite(below, above)` wants two RGBA pictures of one size.
# </details>

# %% [markdown] lang="pt"
# <details><summary>Dica</summary>
#
# `Image.alpha_composite(abaixo, acima)` pede duas imagens RGBA do mesmo tamanho.
# </details>

# %% tags=["solution"] cellView="form" jupyter={"source_hidden": true, "outputs_hidden": true}
below = Image.new("RGBA", transparent.size, (*images.GREY, 255))
flat = Image.alpha_composite(below, transparent).convert("RGB")
check(flat, background.cut_out(pet, mask, images.GREY), tolerance=1)

# %% [markdown] lang="en"
# ## 6. A whole folder
#
# Real folders are untidy. So is ours: a copy, a night shot, a thumbnail, a broken file.

# %% [markdown] lang="pt"
# ## 6. Uma pasta inteira
#
# Pastas reais são bagunçadas. A nossa também: cópia, foto noturna, miniatura, arquivo corrompido.

# %%
for name in ["good.jpg", "copy.jpg"]:
    pet.save(folder / name)
pet.point(lambda value: value // 20).save(folder / "night.jpg")
pet.resize((64, 64)).save(folder / "thumb.jpg")
(folder / "broken.jpg").write_bytes((folder / "good.jpg").read_bytes()[:2000])
for finding in images.audit(folder):
    print(f"{finding.path.name:12} {finding.kind}")

# %% [markdown] lang="en"
# `good.jpg` is a twin, of its copy. Large folders take hours, most of them for masks. Each is kept
# as soon as it is drawn, by the content of its photo: a run that was cut goes on where it stopped.
# We count from an empty cache:

# %% [markdown] lang="pt"
# `good.jpg` é apontada como gêmea (*twin*) da própria cópia. Pastas grandes levam horas, quase
# todas nas máscaras. Cada máscara é guardada assim que fica pronta, por conteúdo da foto; um
# processamento interrompido é retomado de onde parou. Contemos a partir de um *cache* vazio:


# %%
def prepare(folder):
    squares = {}
    for path in images.find_photos(folder):
        with suppress(images.PhotoError):  # the audit has named it
            cut, _ = background.remove_background(images.open_photo(path))
            squares[path.name] = images.fit(cut, 224)
    return squares


os.environ["VITSIM_CACHE"], kept = tempfile.mkdtemp(), 0
for run in (1, 2):
    squares = prepare(folder)
    masks = len(list(files.cache_folder().rglob("*.png")))
    print(f"{run}.   squares {len(squares)}   new masks {masks - kept}")
    kept = masks
plots.photo_row(list(squares.values()), list(squares))

# %% [markdown] lang="en"
# Five squares from four masks: the copy needed none. The second run drew none at all.
#
# ## Quiz
#
# <details><summary>1. Half of your photos are portrait, half landscape. Why not squash?</summary>
#
# The same pet would be slim in one half and stout in the other.
# </details>
# <details><summary>2. Why do we not keep cut-outs as transparent PNG files?</summary>
#
# Their background is hidden, not gone; one `convert("RGB")` brings it back.
# </details>
#
# ## Remember
# - A picture is rows × columns × channels; open it upright, in 8-bit RGB.
# - Prepare every photo of a comparison the same way.
# - A network's mask is a guess: score it where you know the truth, look at the worst.
# - Lay cut-outs on an explicit colour, cropped; never drop alpha.
# - Audit first; let every long run go on where it stopped.
#
# **Next:** lesson 02 turns these squares into vectors, the embeddings.
#
# ## References
# - [Pillow: modes and concepts](https://pillow.readthedocs.io/en/stable/handbook/concepts.html)
# - X. Qin et al. (2020). [U²-Net](https://arxiv.org/abs/2005.09007).
#   [rembg](https://github.com/danielgatis/rembg).
# - T. Porter, T. Duff (1984).
#   [Compositing digital images](https://doi.org/10.1145/964965.808606).
# - Chelsea and the coffee:
#   [scikit-image](https://scikit-image.org/docs/stable/api/skimage.data.html).

# %% [markdown] lang="pt"
# Cinco quadrados com quatro máscaras: a cópia dispensou a sua. A segunda rodada não desenhou
# nenhuma.
#
# ## Questionário
#
# <details><summary>1. Metade das suas fotos é vertical, metade é horizontal. Por que não
# achatá-las?</summary>
#
# O mesmo animal ficaria magro em uma metade e gordo na outra.
# </details>
# <details><summary>2. Por que não guardar os recortes como PNG transparente?</summary>
#
# O fundo está escondido, não apagado; basta um `convert("RGB")` para trazê-lo de volta.
# </details>
#
# ## Para lembrar
# - Uma imagem é linhas × colunas × canais; abra-a na posição certa, em RGB de 8 bits.
# - Prepare da mesma maneira todas as fotos que vai comparar.
# - A máscara de uma rede é uma estimativa: avalie-a onde conhece a verdade, olhe as piores.
# - Ponha recortes enquadrados sobre uma cor explícita; nunca descarte o alfa.
# - Audite primeiro; todo processamento longo deve poder ser retomado.
#
# **A seguir:** a aula 02 transforma esses quadrados em vetores, os *embeddings*.
#
# ## Referências
# - [Pillow: modos e conceitos](https://pillow.readthedocs.io/en/stable/handbook/concepts.html)
# - X. Qin et al. (2020). [U²-Net](https://arxiv.org/abs/2005.09007).
#   [rembg](https://github.com/danielgatis/rembg).
# - T. Porter, T. Duff (1984).
#   [Compositing digital images](https://doi.org/10.1145/964965.808606).
# - Chelsea e o café:
#   [scikit-image](https://scikit-image.org/docs/stable/api/skimage.data.html).
