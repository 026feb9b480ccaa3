# ---
# jupyter:
#   vitsim: {pt: 02_embeddings}
# ---

# %% [markdown] lang="en"
# # 02 · Embeddings
#
# A **Vision Transformer** (ViT) turns a picture into an **embedding**: one vector that says what it
# shows. We walk that path by hand, and the model must agree at every step.
#
# **You will be able to**
# - cut a photo into tokens, as the model does;
# - compute an attention head, and read its map with due doubt;
# - embed a gallery and draw it in two dimensions.
#
# **Time:** 40 minutes and 20 for the exercises. **You need:** NumPy, matrix products; no network.

# %% [markdown] lang="pt"
# # 02 · Embeddings
#
# Um ***Vision Transformer*** (ViT) transforma uma imagem em um ***embedding***: um vetor que diz o
# que ela mostra. Vamos fazer esse caminho à mão, e o modelo terá de concordar a cada passo.
#
# **Ao final, você saberá**
# - cortar uma foto em *tokens*, como faz o modelo;
# - calcular uma cabeça de atenção e ler seu mapa com a devida desconfiança;
# - desenhar uma galeria em duas dimensões, a partir dos *embeddings*.
#
# **Tempo:** 40 minutos, mais 20 para os exercícios. **Requisitos:** NumPy, produto de matrizes;
# internet, não.

# %%
import copy

import numpy as np
import torch
from PIL import Image

try:
    from vitsim import attention, background, datasets, images, models, plots, similarity
except ModuleNotFoundError:
    # %pip install --quiet "vitsim[notebooks] @ git+{{repository}}"
    # %env VITSIM_LANG={{language}}
    from vitsim import attention, background, datasets, images, models, plots, similarity
from vitsim.encoder import Encoder
from vitsim.exercises import check

# %matplotlib inline
print("vitsim ✓")

# %% [markdown] lang="en"
# ## 1. Words
#
# The idea comes from language. Text is cut into **tokens**, words or pieces of them; a table holds
# a row of numbers for each. To look one up is to multiply a **one-hot** vector (zeros and a single
# 1) by the table:

# %% [markdown] lang="pt"
# ## 1. Palavras
#
# A ideia vem da linguagem. O texto é cortado em ***tokens***, palavras ou pedaços delas; uma tabela
# guarda uma linha de números para cada um. Consultá-la é multiplicar um vetor ***one-hot*** (zeros e
# um só 1) pela tabela:

# %%
vocabulary = ["animal", "motor", "jaguar"]
table = np.array([[2.0, 0.0], [0.0, 2.0], [1.0, 1.0]])
one_hot = np.eye(3)[vocabulary.index("jaguar")]
print(one_hot, "→", one_hot @ table, np.array_equal(one_hot @ table, table[2]))

# %% [markdown] lang="en"
# A *bank* lines a river or keeps money; a *jaguar* is a cat or a car. One row, two meanings: only
# the neighbours tell. A **transformer** lets tokens look at one another (section 4).
#
# ## 2. Patches
#
# The tokens of a photo? Pixels are too many and say too little. A ViT cuts it into squares, the
# **patches**. Choose the model: `None` is the shipped `tiny`; the others need a network once.

# %% [markdown] lang="pt"
# *Banco* é de dinheiro ou de praça; *jaguar* é bicho ou carro. Uma linha, dois sentidos: só os
# vizinhos dizem qual. Um ***transformer*** deixa os *tokens* olharem uns para os outros (seção 4).
#
# ## 2. Patches
#
# E os *tokens* de uma foto? Pixels são muitos e dizem pouco. Um ViT a corta em quadrados, os
# ***patches***. Escolha o modelo: `None` é o `tiny`, que vem com o curso; os outros precisam de
# internet na primeira vez.

# %%
model = None  # "google/vit-base-patch16-224", "facebook/dinov2-small"

encoder = Encoder.load(model, device="cpu", dtype="float64")  # as exact as NumPy
plots.name_model(encoder.name)
torch.set_grad_enabled(False)  # we look, nothing is trained
g, p = encoder.grid, encoder.size // encoder.grid
print(f"{encoder.name}: {g} × {g} patches of {p} × {p} pixels, d = {encoder.dim}")

# %% [markdown] lang="en"
# `reshape` splits rows and columns: which patch, and where in it. `transpose` puts "which" first.

# %% [markdown] lang="pt"
# O `reshape` divide linhas e colunas: qual *patch*, e onde dentro dele. O `transpose` põe "qual" na
# frente.

# %%
gallery = datasets.pets(role="gallery")
pet = gallery[gallery["pet"] == "cat_022"].iloc[0]
photo = images.open_photo(pet["photo"])
square = np.asarray(images.fit(photo, encoder.size))
patches = square.reshape(g, p, g, p, 3).transpose(0, 2, 1, 3, 4)
print(square.shape, "→", patches.shape)
plots.patch_grid(patches)

# %% [markdown] lang="en"
# A photo, read like a text.
#
# ### Exercise 1: build
# Write the way back, from patches to photo. We shall need it.

# %% [markdown] lang="pt"
# A foto, lida como texto.
#
# ### Exercício 1: construa
# Escreva o caminho de volta, dos *patches* à foto. Vamos precisar dele.


# %% tags=["exercise"]
def join(patches):
    return patches.reshape(encoder.size, encoder.size, 3)


check(
    join(patches),
    square,
    en="The pixels of a row of the photo must lie side by side before you join them.",
    pt="Antes de juntar, os pixels de uma mesma linha da foto precisam ficar lado a lado.",
)

# %% [markdown] lang="en"
# <details><summary>Hint</summary>
#
# `transpose(0, 2, 1, 3, 4)` swaps two axes. Swap them back.
# </details>

# %% [markdown] lang="pt"
# <details><summary>Dica</summary>
#
# `transpose(0, 2, 1, 3, 4)` troca dois eixos. Troque-os de volta.
# </details>


# %% tags=["solution"] cellView="form" jupyter={"source_hidden": true, "outputs_hidden": true}
def join(patches):
    return patches.transpose(0, 2, 1, 3, 4).reshape(encoder.size, encoder.size, 3)


print(join(patches).shape)
check(join(patches), square)

# %% [markdown] lang="en"
# No table has a row for every patch. Instead its numbers, in one row, are multiplied by a learned
# matrix. Libraries write this as a **convolution** whose window moves by its own width:

# %% [markdown] lang="pt"
# Nenhuma tabela tem linha para todo *patch*. Os números do *patch*, em fila, são multiplicados por
# uma matriz aprendida. As bibliotecas escrevem isso como **convolução** cuja janela avança a
# própria largura:

# %%
convolution = encoder.model.embeddings.patch_embeddings.projection
pixels = encoder.prepare([photo])  # scaled and normalised, channels first
flat = pixels[0].numpy().reshape(3, g, p, g, p).transpose(1, 3, 0, 2, 4).reshape(g * g, -1)
weights = convolution.weight.numpy().reshape(encoder.dim, -1)
by_hand = flat @ weights.T + convolution.bias.numpy()
by_model = convolution(pixels)[0].flatten(start_dim=1).T.numpy()
print(flat.shape, "→", by_hand.shape, np.allclose(by_hand, by_model, atol=1e-5))

# %% [markdown] lang="en"
# The same to 0.00001: d numbers for each patch. In front the model puts one more learned vector, the
# token **CLS**. It belongs to no patch; it will collect the summary.
#
# ## 3. Places
#
# What follows treats tokens as a set, without order. So a learned vector for its place, the
# **position embedding**, is *added* to each. Cosines of four places with all (1: same direction;
# lesson 03):

# %% [markdown] lang="pt"
# Diferem em menos de 0,00001: d números por *patch*. À frente entra mais um vetor aprendido, o
# *token* **CLS**: não pertence a *patch* nenhum, vai reunir o resumo.
#
# ## 3. Lugares
#
# O que vem depois trata os *tokens* como um conjunto, sem ordem. Por isso, a cada um se *soma* um
# vetor aprendido para o seu lugar, o ***embedding* de posição**. Cossenos de quatro lugares com
# todos (1: mesmo sentido; aula 03):

# %%
positions = encoder.model.embeddings.position_embeddings[0].numpy()
side = int(len(positions) ** 0.5)
positions = positions[-(side**2) :]  # without that of CLS
cosines = similarity.cosine_similarity(positions, positions).reshape([side] * 4)
places = [(0, 0), (side // 4, side // 4), (side // 2, side // 2), (side // 2, side - 2)]
plots.heat_maps([cosines[place] for place in places], [str(place) for place in places], places)

# %% [markdown] lang="en"
# Framed: the place itself. Light around the frame: the model knows neighbours. Light on the opposite
# side: it tells the distance from the middle better than the side. What if patches change places?

# %% [markdown] lang="pt"
# Na moldura, o próprio lugar. Claro em volta: o modelo conhece os vizinhos; no lado oposto:
# distingue melhor a distância ao centro que o lado. E se os *patches* trocarem de lugar?


# %%
def photo_of(tiles):  # the way back, whether or not you found it
    tiles = tiles.reshape(patches.shape).transpose(0, 2, 1, 3, 4)
    return Image.fromarray(tiles.reshape(square.shape))


order = np.random.default_rng(0).permutation(g * g)
pair = [Image.fromarray(square), photo_of(patches.reshape(-1, p, p, 3)[order])]
one, other = encoder.embed(pair)
plots.photo_row(pair, ["", f"cos = {one @ other:z.2f}"])

# %% [markdown] lang="en"
# The further below 1, the more places matter to this model.
#
# ### Exercise 2: change
# Blind a copy of the model to places: both pictures must get the same embedding.

# %% [markdown] lang="pt"
# Quanto mais abaixo de 1, mais o lugar importa.
#
# ### Exercício 2: modifique
# Faça uma cópia do modelo ignorar os lugares: as duas imagens devem receber o mesmo *embedding*.

# %% tags=["exercise"]
blind = copy.deepcopy(encoder.model)
blind.embeddings.position_embeddings *= 0.5

one, other = blind(encoder.prepare(pair)).last_hidden_state[:, 0]
score = similarity.cosine_similarity(one, other)[0, 0]
print(f"{score:.2f}")
check(
    score,
    1.0,
    en="Something of the positions is left, even if 1.00 is printed: nothing may remain.",
    pt="Ainda resta algo das posições, mesmo que apareça 1.00: nada pode restar.",
    tolerance=1e-6,
)

# %% [markdown] lang="en"
# <details><summary>Hint</summary>
#
# Adding zero changes nothing; keep `*=`.
# </details>

# %% [markdown] lang="pt"
# <details><summary>Dica</summary>
#
# Somar zero não muda nada; mantenha `*=`.
# </details>

# %% tags=["solution"] cellView="form" jupyter={"source_hidden": true, "outputs_hidden": true}
blind = copy.deepcopy(encoder.model)
blind.embeddings.position_embeddings *= 0

one, other = blind(encoder.prepare(pair)).last_hidden_state[:, 0]
score = similarity.cosine_similarity(one, other)[0, 0]
print(f"{score:.2f}")
check(score, 1.0, tolerance=1e-6)

# %% [markdown] lang="en"
# ## 4. Attention
#
# Each token asks a question, its **query** *q*; each offers a **key** *k*. Where they agree, the
# asker takes the **value** *v* (Q, K, V: a row per token):
#
# $$\mathrm{softmax}\!\left(\frac{QK^\top}{\sqrt{d}}\right)V$$
#
# **Softmax** turns a row of agreements into weights: positive, with sum 1. The dot product of two
# independent standard normal vectors has variance d; dividing by √d makes it 1. First our words,
# each its own q, k and v:

# %% [markdown] lang="pt"
# ## 4. Atenção
#
# Cada *token* faz uma pergunta, a **consulta** (*query*) *q*; cada um oferece uma **chave** (*key*)
# *k*. Onde combinam, quem pergunta recebe o **valor** (*value*) *v* (Q, K, V: uma linha por *token*):
#
# $$\mathrm{softmax}\!\left(\frac{QK^\top}{\sqrt{d}}\right)V$$
#
# O ***softmax*** transforma uma linha de concordâncias em pesos: positivos e de soma 1. O produto
# escalar de dois vetores normais padrão independentes tem variância d; dividido por √d, 1.
# Primeiro, nossas palavras, cada uma servindo de q, k e v:


# %%
def attend(Q, K, V):
    scores = Q @ K.T / np.sqrt(Q.shape[1])
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))  # the largest is 1: no overflow
    weights = powers / powers.sum(axis=1, keepdims=True)
    return weights, weights @ V


sentences = {"animal jaguar": table[[0, 2]], "motor jaguar": table[[1, 2]]}
in_context = [attend(words, words, words)[1][1] for words in sentences.values()]
plots.arrows([{"j": table[2], "j′": new} for new in in_context], list(sentences))

# %% [markdown] lang="en"
# j is *jaguar* by the table, j′ after attention: beside *animal* (→) it turns to the animals, beside
# *motor* (↑) to the machines. One word, two embeddings.
#
# In a ViT, learned matrices make Q, K and V, after **layer normalisation**: each token gets mean 0
# and variance 1, then a learned scale and shift. The first layer, by hand:

# %% [markdown] lang="pt"
# j é *jaguar* na tabela; j′, depois da atenção: ao lado de *animal* (→), volta-se para os bichos; ao
# lado de *motor* (↑), para as máquinas. Uma palavra, dois *embeddings*.
#
# Em um ViT, matrizes aprendidas geram Q, K e V depois da **normalização de camada** (*layer
# normalisation*): cada *token* fica com média 0 e variância 1; depois, escala e deslocamento
# aprendidos. A primeira camada, à mão:

# %%
parts = list(encoder.model.modules())
norm = next(part for part in parts if isinstance(part, torch.nn.LayerNorm))
query, key, value, mix = [part for part in parts if isinstance(part, torch.nn.Linear)][:4]

tokens = encoder.model.embeddings(pixels)[0].numpy()  # CLS and patches, each with its position
mean, variance = tokens.mean(axis=1, keepdims=True), tokens.var(axis=1, keepdims=True)
normed = (tokens - mean) / np.sqrt(variance + norm.eps) * norm.weight.numpy() + norm.bias.numpy()
Q, K, V = (normed @ part.weight.numpy().T + part.bias.numpy() for part in (query, key, value))
print("tokens", tokens.shape, "  Q, K, V", Q.shape, K.shape, V.shape)

# %% [markdown] lang="en"
# The columns are shared out among **heads**, which attend independently, each with its own, smaller
# d. Is our first head the model's? Compare its weights, and its output, caught on its way into the matrix `mix`:

# %% [markdown] lang="pt"
# As colunas são repartidas entre **cabeças** (*heads*) independentes, cada uma com seu d menor.
# Nossa primeira é igual à do modelo? Compare os pesos e a saída, capturada a caminho da matriz `mix`:

# %%
columns = slice(0, encoder.dim // encoder.model.config.num_attention_heads)
head_weights, head_output = attend(Q[:, columns], K[:, columns], V[:, columns])

A = encoder.attention(photo)
caught = []
hook = mix.register_forward_pre_hook(lambda part, inputs: caught.append(inputs[0][0].numpy()))
encoder.model(pixels)
hook.remove()
print("weights", head_weights.shape, np.allclose(head_weights, A[0, 0], atol=1e-5))
print("output ", head_output.shape, np.allclose(head_output, caught[0][:, columns], atol=1e-5))
print("A      ", A.shape)

# %% [markdown] lang="en"
# Twice True: that is all of attention. `mix` blends the heads, the result is *added* to the tokens
# (**residual connection**: each keeps itself), then a small network works on each token alone. That
# is one **layer**. `A` has the weights of all: layers, heads, tokens, tokens.
#
# ### Exercise 3: predict
# Twice as many rows and columns of pixels, patches of the same size: how many times as many
# *attention* weights per head, CLS aside?

# %% [markdown] lang="pt"
# Duas vezes True: atenção é só isso. `mix` combina as cabeças, o resultado é *somado* aos *tokens*
# (**conexão residual**: cada um conserva o que era), e uma rede pequena trata cada *token*
# isoladamente. Isso é uma **camada** (*layer*). `A` tem os pesos de todas: camadas, cabeças,
# *tokens*, *tokens*.
#
# ### Exercício 3: preveja
# O dobro de linhas e colunas de pixels, *patches* do mesmo tamanho: que fator multiplica o número
# de pesos de *atenção* por cabeça, sem o CLS?

# %% tags=["exercise"]
prediction = None

check(
    prediction,
    (2 * g * 2 * g) ** 2 / (g * g) ** 2,
    en="First count the patches; then each of them looks at each.",
    pt="Primeiro conte os patches; depois, cada um olha para todos.",
)

# %% [markdown] lang="en"
# <details><summary>Hint</summary>
#
# Four times as many patches; their weights form a square table.
# </details>

# %% [markdown] lang="pt"
# <details><summary>Dica</summary>
#
# Os *patches* quadruplicam; os pesos formam uma tabela quadrada.
# </details>

# %% tags=["solution"] cellView="form" jupyter={"source_hidden": true, "outputs_hidden": true}
prediction = 4**2
print(prediction)
check(prediction, (2 * g * 2 * g) ** 2 / (g * g) ** 2)

# %% [markdown] lang="en"
# ## 5. Maps, and doubts
#
# Row 0 of the weights says how much CLS takes from each patch. **Attention rollout** follows that
# through all layers: average the heads; half of that plus half the identity (the residual);
# multiply.

# %% [markdown] lang="pt"
# ## 5. Mapas e dúvidas
#
# A linha 0 dos pesos diz quanto o CLS recebe de cada *patch*. O ***attention rollout*** segue isso
# por todas as camadas: média das cabeças; metade dela mais metade da identidade (a residual); produto.

# %%
flow = np.eye(A.shape[-1])
for layer in A.mean(axis=1):
    flow = (0.5 * layer + 0.5 * np.eye(len(layer))) @ flow
rollout = flow[0, -g * g :].reshape(g, g)
rollout = rollout / rollout.sum()
print(np.allclose(rollout, attention.rollout(A, g), atol=1e-5))

# %%
mask = Image.open(pet["mask"]).convert("L").resize((g, g), Image.Resampling.BOX)
on_pet = np.asarray(mask) / 255
print(f"area: {on_pet.mean():.2f}   rollout: {(rollout * on_pet).sum():.2f}")
heads = {f"head {h}": A[-1, h, 0, -g * g :].reshape(g, g) for h in (0, 1)}
plots.spotlights(photo, [*heads.values(), rollout], [*heads, "rollout"])

# %% [markdown] lang="en"
# Lit: what CLS takes, in two heads of the last layer, then by rollout. The numbers: the share of the
# photo that is pet, and of rollout that falls on it. A larger second one: the pet gets more than its
# area. (`tiny` was trained to this very end.)
#
# **Doubt it.** A map describes; it does not explain. In large ViTs it misleads about where
# information comes from [1], and ViTs use background patches as shortcuts [2]. So test it: cover
# the 10 brightest patches, then 10 of the pet's at random, 20 times:

# %% [markdown] lang="pt"
# Iluminado: o que o CLS recebe, em duas cabeças da última camada e pelo *rollout*. Os números: a
# fração da foto que é animal e a do *rollout* que cai sobre ele. Se a segunda é maior, o animal
# recebe mais que sua área. (O `tiny` foi treinado para isso.)
#
# **Desconfie.** Um mapa descreve; não explica. Em ViTs grandes, ele engana sobre a origem da
# informação [1], e ViTs usam *patches* do fundo como atalho [2]. Teste-o: cubra os 10 *patches*
# mais claros e, 20 vezes, 10 do animal ao acaso:


# %%
def cover(chosen):
    tiles = patches.reshape(-1, p, p, 3).copy()
    tiles[chosen] = images.GREY
    return photo_of(tiles)


rng, inside = np.random.default_rng(0), np.flatnonzero(on_pet.ravel() >= 0.5)
covered = [cover(np.argsort(-rollout.ravel())[:10])]
covered += [cover(rng.permutation(inside)[:10]) for _ in range(20)]
scores = encoder.embed(covered) @ encoder.embed([photo])[0]
plots.photo_row(covered[:2], [f"{scores[0]:z.2f}", f"$\\bar{{x}}$ = {scores[1:].mean():z.2f}"])

# %% [markdown] lang="en"
# Cosines with the original photo; right, one of the 20, and their mean. Lower on the left: lit
# patches matter more than the rest of the pet. Alike: the map found the pet. It says *where*, never
# *why*.
#
# ## 6. One vector
#
# The last layer leaves a vector per token. Take CLS, or the mean of the patches, and divide by its
# length (lesson 03):

# %% [markdown] lang="pt"
# Cossenos com a original; à direita, uma das 20 e a média. Menor à esquerda: os iluminados importam
# mais que o resto do animal. Iguais: o mapa achou o animal. Diz *onde*, nunca *por quê*.
#
# ## 6. Um só vetor
#
# A última camada deixa um vetor por *token*. Tome o CLS, ou a média dos *patches*, e divida pelo
# comprimento (aula 03):

# %%
final = encoder.model(pixels).last_hidden_state[0].numpy()
ways = {"cls": final[0], "mean": final[-g * g :].mean(axis=0)}
for pooling, vector in ways.items():
    (embedding,) = encoder.embed([photo], pooling=pooling)
    print(pooling, np.allclose(vector / np.linalg.norm(vector), embedding, atol=1e-5))
print(f"cos = {similarity.cosine_similarity(*ways.values())[0, 0]:z.2f}")

# %% [markdown] lang="en"
# Two summaries: never compare one with the other. The library offers a third, `pooler_output`: CLS
# through one more matrix and a tanh. Load `tiny` twice:

# %% [markdown] lang="pt"
# Dois resumos: nunca os compare entre si. A biblioteca oferece um terceiro, `pooler_output`: o
# CLS passado por mais uma matriz e pela tanh. Carregue o `tiny` duas vezes:

# %%
from transformers import ViTConfig, ViTModel, logging

logging.set_verbosity_error()  # we read its report ourselves
logging.disable_progress_bar()
tiny, loaded = Encoder.load("tiny", device="cpu"), []
how = {"dtype": torch.float32, "output_loading_info": True}
for seed in (0, 1):
    torch.manual_seed(seed)
    network, report = ViTModel.from_pretrained(models.shipped("tiny"), use_safetensors=True, **how)
    loaded.append(network(tiny.prepare([photo])))
print(sorted(report["missing_keys"]))
for name in ("last_hidden_state", "pooler_output"):
    print(name, np.allclose(loaded[0][name], loaded[1][name], atol=1e-5))

# %% [markdown] lang="en"
# The tokens are equal, the poolers are not: the file has none, the report says, so its weights are
# drawn anew at each load. The file of `google/vit-base-patch16-224` has none either.
#
# ## 7. Full size
#
# How large is `google/vit-base-patch16-224`? Its configuration tells. On torch's *meta* device
# tensors have shapes but no numbers.

# %% [markdown] lang="pt"
# Os *tokens* são iguais; os *poolers*, não: o arquivo não traz nenhum, diz o relatório, e seus pesos
# são sorteados a cada carga. O de `google/vit-base-patch16-224` também não.
#
# ## 7. Em tamanho real
#
# E o tamanho de `google/vit-base-patch16-224`? A configuração responde. No dispositivo *meta* do
# torch, tensores têm formato, não números.

# %%
with torch.device("meta"):
    base = ViTModel(ViTConfig(), add_pooling_layer=False)
    shape = base(torch.empty(1, 3, 224, 224)).last_hidden_state.shape
sizes = {"ViT-B/16": (base, shape), "tiny": (tiny.model, loaded[0].last_hidden_state.shape)}
for name, (network, shape) in sizes.items():
    millions = sum(weights.numel() for weights in network.parameters()) / 1e6
    layers = network.config.num_hidden_layers
    print(f"{name:9} {millions:3.0f} M   layers: {layers:2}   tokens: {shape[1]} × {shape[2]}")

# %% [markdown] lang="en"
# 86 million weights, 12 layers, 197 tokens (CLS is one) of 768 numbers. `tiny` is the same plan,
# smaller.
#
# ## 8. A map of the pets
#
# The gallery, three photos of each pet, cut out and cropped (lesson 01):

# %% [markdown] lang="pt"
# 86 milhões de pesos, 12 camadas, 197 *tokens* (um é o CLS) de 768 números. O `tiny` é igual, só
# menor.
#
# ## 8. Um mapa dos animais
#
# A galeria, três fotos de cada animal, recortadas e enquadradas (aula 01):

# %%
masks = [Image.open(mask) for mask in gallery["mask"]]
cuts = [
    background.cut_out(images.open_photo(photo), mask, crop=True)
    for photo, mask in zip(gallery["photo"], masks, strict=True)
]
encoder = Encoder.load(model)  # in 32 bits, on the GPU if there is one
embeddings = encoder.embed(cuts, progress=encoder.name != "tiny")
print(embeddings.shape)

# %% [markdown] lang="en"
# **Principal components** (PCA) turn that cloud until its first axes carry the most variance: centre,
# then the singular value decomposition. scikit-learn agrees, up to the signs, which are arbitrary:

# %% [markdown] lang="pt"
# As **componentes principais** (PCA) giram essa nuvem até que os primeiros eixos concentrem a maior
# variância: centralize, depois decomponha em valores singulares. O scikit-learn concorda, a menos
# dos sinais, arbitrários:

# %%
from sklearn.decomposition import PCA


def components(vectors, k):
    centred = vectors - vectors.mean(axis=0)
    _, S, axes = np.linalg.svd(centred, full_matrices=False)
    points = centred @ axes[:k].T
    return points * np.sign(points[0]), np.sum(S[:k] ** 2) / np.sum(S**2)


points, share = components(embeddings, 2)
library = PCA(2, svd_solver="full").fit_transform(embeddings)
print(np.allclose(np.abs(points), np.abs(library), atol=1e-5), f"  PC 1 + PC 2: {share:.2f}")

# %%
shown = [images.open_photo(photo) for photo in gallery["photo"]]
for photo, mask in zip(shown, masks, strict=True):
    photo.putalpha(mask)  # transparent, so that the map is not hidden by grey
plots.photo_map(points, [photo.crop(photo.getbbox()) for photo in shown])

# %% [markdown] lang="en"
# What do neighbours share: coat, kind, pose, light? Do photos of one pet lie together? The number
# printed is the share of the variance that this map shows; what overlaps here may be apart in other
# dimensions.
#
# The patches have embeddings too. Their first three components, as greys and as RGB:

# %% [markdown] lang="pt"
# O que os vizinhos têm em comum: pelagem, espécie, pose, luz? As fotos de um animal ficam juntas? O
# número impresso é a proporção da variância neste mapa; o que se sobrepõe pode estar longe em
# outras dimensões.
#
# Os *patches* também têm *embeddings*. Suas três primeiras componentes, em cinza e como RGB:

# %%
photo = images.open_photo(pet["photo"])
colours, _ = components(encoder.patch_tokens(photo).reshape(g * g, -1), 3)
colours = colours - colours.min(axis=0)
colours = np.uint8(255 * colours / colours.max(axis=0)).reshape(g, g, 3)
maps = [colours[:, :, 0], colours[:, :, 1], colours[:, :, 2], colours]
large = [Image.fromarray(one).resize(photo.size, Image.Resampling.NEAREST) for one in maps]
plots.photo_row([photo, *large], ["", "PC 1", "PC 2", "PC 3", "RGB"])

# %% [markdown] lang="en"
# Like colours: like tokens. Does the pet stand out, or one part of it? Then tokens can match *parts*:
# lesson 04.
#
# ## Quiz
#
# <details><summary>1. Without position embeddings, does shuffling patches change CLS?</summary>
#
# No: attention treats tokens as a set.
# </details>
# <details><summary>2. A map lights the collar. Does the model recognise pets by it?</summary>
#
# That is a guess. Cover or change the collar, and see whether the embedding moves.
# </details>
# <details><summary>3. Same photo, same program, another <code>pooler_output</code>. Why?</summary>
#
# The checkpoint lacks the pooler; its weights are random. Take CLS.
# </details>
#
# ## Remember
# - Patches become vectors; with positions and CLS, a photo becomes a text.
# - Attention is a weighted mean of values; the weights are softmax(QKᵀ/√d).
# - Attention maps describe: test them before you believe them.
# - The embedding is CLS or the mean of the patches, never an untrained pooler.
#
# **Next:** lesson 03 compares embeddings.
#
# ## References
# - [ViT](https://arxiv.org/abs/2010.11929): Dosovitskiy et al. (2021).
# - [Attention](https://arxiv.org/abs/1706.03762): Vaswani et al. (2017).
# - [Rollout](https://arxiv.org/abs/2005.00928): Abnar & Zuidema (2020).
# - [1] [CLS and registers in large ViTs](https://arxiv.org/abs/2505.05892): Lappe & Giese (2025).
# - [2] [Background as shortcut](https://arxiv.org/abs/2602.22394): Shi, Yu & Yang (2026).

# %% [markdown] lang="pt"
# Cores parecidas: *tokens* parecidos. O animal se destaca, ou uma parte dele? Então os *tokens*
# podem parear *partes*: aula 04.
#
# ## Questionário
#
# <details><summary>1. Sem as posições, embaralhar os patches muda o CLS?</summary>
#
# Não: a atenção trata os *tokens* como um conjunto.
# </details>
# <details><summary>2. Um mapa ilumina a coleira. É por ela que o modelo reconhece o
# animal?</summary>
#
# É só um palpite. Cubra ou troque a coleira e veja se o *embedding* muda.
# </details>
# <details><summary>3. Mesma foto, mesmo programa, outro <code>pooler_output</code>. Por quê?</summary>
#
# O arquivo não traz o *pooler*; seus pesos são aleatórios. Use o CLS.
# </details>
#
# ## Para lembrar
# - *Patches* viram vetores; com posições e CLS, a foto vira texto.
# - Atenção é uma média ponderada de valores; os pesos são softmax(QKᵀ/√d).
# - Mapas de atenção descrevem: teste antes de acreditar.
# - O *embedding* é o CLS ou a média dos *patches*, nunca um *pooler* sem treino.
#
# **A seguir:** a aula 03 compara *embeddings*.
#
# ## Referências
# - [ViT](https://arxiv.org/abs/2010.11929): Dosovitskiy et al. (2021).
# - [Atenção](https://arxiv.org/abs/1706.03762): Vaswani et al. (2017).
# - [*Rollout*](https://arxiv.org/abs/2005.00928): Abnar e Zuidema (2020).
# - [1] [CLS e *registers* em ViTs grandes](https://arxiv.org/abs/2505.05892): Lappe e Giese (2025).
# - [2] [O fundo como atalho](https://arxiv.org/abs/2602.22394): Shi, Yu e Yang (2026).
